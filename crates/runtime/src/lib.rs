//! How services become a process: which there are, in what order they start, how they reach each
//! other, where they listen, and how they stop.
//!
//! Each service hands over a [`Module`]. The [`Switchboard`] gives out the ways between services
//! before the services exist. The [`Starter`] sorts the modules by their needs, binds their
//! routers, starts their tasks, serves, and stops all in reverse when [`Shutdown`] is requested or
//! one task fails.

mod lingering;
mod listener;
mod management;
mod module;
mod server;
mod shutdown;
mod starter;
mod switchboard;
mod waiting;

pub use listener::Listener;
pub use module::{Module, Task};
pub use server::ServerLimits;
pub use shutdown::{Shutdown, end_on_signals};
pub use starter::Starter;
pub use switchboard::Switchboard;
pub use waiting::{Waiting, serve_while};
