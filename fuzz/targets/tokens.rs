//! The tokens that services show each other: whatever was not signed is refused.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use techcommerce_contracts::identity::{TokenSigner, TokenVerifier};
use techcommerce_kernel::Env;

static VERIFIER: LazyLock<TokenVerifier> = LazyLock::new(|| {
    let (env, _) = Env::manual(1);
    TokenSigner::from_seed(&[7; 32], env).verifier()
});

fuzz_target!(|token: &str| {
    assert!(VERIFIER.verify(token).is_err(), "nobody signed this");
});
