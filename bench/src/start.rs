//! From nothing to a shop: time, memory, size.

use anyhow::Result;

use crate::{Plan, shop::Setup, stats::Spread};

/// What a start costs.
pub struct Start {
    /// Size of the program in bytes.
    pub program: u64,
    /// Until the first good answer, in milliseconds: with an empty folder and the demo catalogue.
    pub first: Spread,
    /// The same for a folder that is there.
    pub again: Spread,
    /// Resident memory in bytes, a moment after.
    pub idle: Spread,
}

pub async fn measure(plan: &Plan) -> Result<Start> {
    let demo = [("TECHCOMMERCE_DEMO_CATALOGUE", "true")];
    let (mut first, mut again, mut idle) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..plan.rounds {
        println!("start, round {}", round + 1);
        let setup = Setup::new(&plan.program, None)?;
        let shop = setup.start(&demo).await?;
        first.push(shop.ready.as_secs_f64() * 1000.0);
        shop.stop().await?;
        let shop = setup.start(&demo).await?;
        again.push(shop.ready.as_secs_f64() * 1000.0);
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        idle.push(shop.memory()? as f64);
        shop.stop().await?;
    }
    Ok(Start {
        program: std::fs::metadata(&plan.program)?.len(),
        first: Spread::of(first),
        again: Spread::of(again),
        idle: Spread::of(idle),
    })
}
