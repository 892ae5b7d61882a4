//! The read model.
mod notifier;
pub use notifier::Notifier;
