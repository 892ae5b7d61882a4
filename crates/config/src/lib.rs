//! Configuration: defaults, then a TOML file, then the environment, then flags.
//!
//! All settings stand in one table ([`Settings`]); from it come parsing, the names of the
//! variables (`shop.name` is `TECHCOMMERCE_SHOP_NAME`), `techcommerce config`, and
//! `docs/configuration.md`. A key of ours that is not in the table is an error that names the
//! place and the nearest key. A secret may stand in a file instead: its key or variable with
//! `_file` or `_FILE` behind it names the file.

mod load;
mod parse;
mod secret;
mod settings;
mod table;
mod traces;

pub use load::{Effective, Loaded, Sources, load};
pub use parse::{HostPort, Parse, PublicUrl, ServiceUrl, Value};
pub use secret::Secret;
pub use settings::{
    Databases, Keys, Limits, Listen, Log, Orders, Services, Session, Settings, Shipping, Shop,
    Shutdown, Tax, Traces, Worker,
};
pub use table::{Definition, reference_markdown};
pub use traces::{Share, pairs};
