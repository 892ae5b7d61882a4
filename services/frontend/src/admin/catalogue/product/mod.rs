//! The form of a product: as it travels, what its options do, what the API makes of it.

pub mod checks;
pub mod fields;
pub mod form;
pub mod merge;
pub mod options;
pub mod rows;
