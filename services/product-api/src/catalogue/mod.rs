//! Products and categories: what they should be, how they are stored, how they are written.

pub mod category;
pub mod draft;
pub mod find;
pub mod input;
pub mod keys;
pub mod limits;
mod many;
mod parts;
pub mod read;
pub mod rows;
pub mod text;
pub mod trail;
pub mod write;
