//! Through the whole service.
