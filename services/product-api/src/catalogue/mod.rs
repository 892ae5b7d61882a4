//! Products and categories: what they should be, how they are stored, how they are written.

pub mod draft;
pub mod input;
pub mod limits;
pub mod read;
pub mod rows;
pub mod text;
pub mod write;
