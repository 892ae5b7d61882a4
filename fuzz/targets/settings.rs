//! techcommerce.toml, and the same settings from the environment.
#![no_main]

use std::fs;

use libfuzzer_sys::fuzz_target;
use techcommerce_config::{Sources, load};

fuzz_target!(|text: &str| {
    let file = std::env::temp_dir().join(format!("techcommerce-fuzz-{}.toml", std::process::id()));
    fs::write(&file, text).expect("a file");
    let _ = load(&Sources {
        file: Some(file),
        ..Sources::default()
    });
    let environment = text
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (format!("TECHCOMMERCE_{name}"), value.to_owned()))
        // Names of files would be opened, whatever they are.
        .filter(|(name, _)| !name.ends_with("_FILE") && name != "TECHCOMMERCE_CONFIG")
        .collect();
    let _ = load(&Sources {
        environment,
        ..Sources::default()
    });
});
