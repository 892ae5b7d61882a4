//! What processes cost, by Linux's own books.

use std::{collections::BTreeSet, fs};

use anyhow::{Context, Result};

/// Clock ticks of `/proc` in a second (`getconf CLK_TCK`; 100 on every Linux that we know).
const TICKS: f64 = 100.0;

/// Processor seconds of a process and of all that it started and that still run.
pub fn cpu(process: u32) -> Result<f64> {
    family(process)?.into_iter().map(own_cpu).sum()
}

fn own_cpu(process: u32) -> Result<f64> {
    // A process that ended meanwhile has cost what it had cost; it is not counted.
    let Ok(stat) = fs::read_to_string(format!("/proc/{process}/stat")) else {
        return Ok(0.0);
    };
    let (_, fields) = stat.rsplit_once(')').context("a name in brackets")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    // utime, stime and those of children that ended (proc(5), fields 14 to 17; two are cut off).
    let ticks: f64 = fields[11..15]
        .iter()
        .map(|field| field.parse::<f64>().unwrap_or(0.0))
        .sum();
    Ok(ticks / TICKS)
}

fn family(process: u32) -> Result<BTreeSet<u32>> {
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc")?.flatten() {
        let Some(id) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let parent = stat
            .rsplit_once(')')
            .and_then(|(_, fields)| fields.split_whitespace().nth(1)?.parse().ok());
        if let Some(parent) = parent {
            parents.push((id, parent));
        }
    }
    let mut family = BTreeSet::from([process]);
    loop {
        let before = family.len();
        for (id, parent) in &parents {
            if family.contains(parent) {
                family.insert(*id);
            }
        }
        if family.len() == before {
            return Ok(family);
        }
    }
}

/// Resident memory in bytes.
pub fn memory(process: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .context("VmRSS")?;
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").trim().parse()?;
    Ok(kilobytes * 1024)
}

/// What this machine is, in a few words.
pub fn describe() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("unknown", |model| {
            model.trim_start_matches([' ', '\t', ':'])
        });
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kilobytes: u64 = memory
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))
        .and_then(|line| line.trim().trim_end_matches(" kB").trim().parse().ok())
        .unwrap_or(0);
    format!(
        "{cores} cores ({model}), {} GB of memory",
        kilobytes / 1_000_000
    )
}
