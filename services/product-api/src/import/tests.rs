//! The whole path without a database.
