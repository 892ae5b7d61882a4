//! The chain over orders, computed by what docs/disaster-recovery.md says and nothing of the program.

use std::process::Output;

use anyhow::{Result, ensure};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// id, number, currency, total, `placed_at`.
pub type Order = (String, i64, String, i64, i64);

/// The end of the chain, in hexadecimal. The orders have to be in the order of `placed_at` and id.
pub fn chain(orders: &[Order]) -> String {
    let mut head = [0_u8; 32];
    for (id, number, currency, total, placed_at) in orders {
        let mut hash = Sha256::new();
        hash.update(head);
        hash.update(format!(
            "{id}\n{number}\n{currency}\n{total}\n{placed_at}\n"
        ));
        head = hash.finalize().into();
    }
    head.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What `techcommerce backup prove` said, which must have found nothing wrong.
pub fn proof(said: &Output) -> Result<Value> {
    let text = String::from_utf8_lossy(&said.stdout);
    ensure!(said.status.success(), "{said:?}");
    let proof: Value = serde_json::from_str(&text)?;
    ensure!(proof["differences"] == serde_json::json!([]), "{proof}");
    Ok(proof)
}

/// What a command that has to succeed said.
pub fn done(output: &Output) -> Result<String> {
    ensure!(
        output.status.success(),
        "{}: {}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What a command that has to fail said.
pub fn refused(output: &Output) -> Result<String> {
    ensure!(!output.status.success(), "{output:?}");
    let said = [&output.stderr[..], &output.stdout[..]].concat();
    Ok(String::from_utf8_lossy(&said).into_owned())
}
