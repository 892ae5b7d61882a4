//! Faults of what is kept: books, copies, backups, disks, certificates, connections.

use anyhow::{Context, Result};

use super::{BUDGETS, Fault};
use crate::drill::ground::Ground;

/// Sold to nobody; the books tell when somebody writes another number.
async fn miscount(ground: &mut Ground, more: i64) -> Result<()> {
    let variant = ground.rare.variant_id.clone();
    ground
        .execute(&format!(
            "UPDATE product_api.stock_levels SET on_hand = on_hand + {more} WHERE variant_id = '{variant}'"
        ))
        .await
}

/// So much of the small disk.
async fn fill(ground: &mut Ground, percent: usize) -> Result<()> {
    let disk = ground.disk().context("no disk of our own")?;
    Ok(std::fs::write(
        disk.join("filler"),
        vec![0_u8; (64 << 20) * percent / 100],
    )?)
}

async fn empty(ground: &mut Ground) -> Result<()> {
    let disk = ground.disk().context("no disk of our own")?;
    Ok(std::fs::remove_file(disk.join("filler"))?)
}

pub const FAULTS: &[Fault] = &[
    Fault {
        name: "books-wrong",
        what: "a number of the stock is changed behind the shop's back",
        expected: &["LedgerUnbalanced{ledger=stock}"],
        // Each check of the books writes a line, and the drill has one every second.
        also: &["ErrorsLogged"],
        aftermath: &[],
        hold: 10,
        begin: |ground| Box::pin(miscount(ground, 1)),
        end: |ground| Box::pin(miscount(ground, -1)),
    },
    Fault {
        name: "read-model-stuck",
        what: "what follows the catalogue hangs (a lock on the table of categories)",
        expected: &["ReadModelBehind"],
        also: &[],
        aftermath: &[],
        hold: 10,
        begin: |ground| {
            Box::pin(ground.hold("LOCK TABLE product_api.categories IN ACCESS EXCLUSIVE MODE"))
        },
        end: |ground| Box::pin(ground.let_go()),
    },
    Fault {
        name: "replica-behind",
        what: "the copy of the database stops following",
        expected: &["ReplicationLag"],
        also: &[],
        aftermath: &[],
        hold: 10,
        begin: |ground| Box::pin(ground.at_replica("SELECT pg_wal_replay_pause()")),
        end: |ground| Box::pin(ground.at_replica("SELECT pg_wal_replay_resume()")),
    },
    Fault {
        name: "table-locked",
        what: "every connection of order-api waits for a lock on the table of carts",
        // Statements take long, which says why nobody gets a connection.
        expected: &["DatabaseSlow{service=order-api}"],
        also: &["PoolExhausted{service=order-api}"],
        aftermath: BUDGETS,
        hold: 25,
        begin: |ground| {
            Box::pin(ground.hold("LOCK TABLE order_api.carts IN ACCESS EXCLUSIVE MODE"))
        },
        end: |ground| Box::pin(ground.let_go()),
    },
    Fault {
        name: "backup-old",
        what: "the last backup is 30 hours old",
        expected: &["BackupTooOld"],
        also: &[],
        aftermath: &[],
        hold: 10,
        begin: |ground| {
            Box::pin(async {
                ground.execute("DELETE FROM order_api.backups").await?;
                ground.record_backup(30 * 3600).await
            })
        },
        end: |ground| Box::pin(ground.record_backup(3600)),
    },
    Fault {
        name: "certificate-ends",
        what: "the certificate is valid for ten more days",
        expected: &["CertificateEnding{name=shop}"],
        also: &[],
        aftermath: &[],
        hold: 10,
        begin: |ground| Box::pin(async { ground.certify("10") }),
        end: |ground| Box::pin(async { ground.certify("365") }),
    },
    Fault {
        name: "disk-fills",
        what: "the disk of the data folder is used to nine tenths",
        expected: &["DataFolderFilling"],
        also: &[],
        aftermath: &[],
        hold: 10,
        begin: |ground| Box::pin(fill(ground, 90)),
        end: |ground| Box::pin(empty(ground)),
    },
    Fault {
        name: "disk-full",
        what: "the disk of the data folder is full but for a thirtieth",
        expected: &["DiskFull"],
        // Muted by it; when its disk is filled it may come a moment before.
        also: &["DataFolderFilling"],
        aftermath: &[],
        hold: 10,
        begin: |ground| Box::pin(fill(ground, 97)),
        end: |ground| Box::pin(empty(ground)),
    },
];
