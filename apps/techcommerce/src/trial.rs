//! What a program that is built for trials can be told to do, and one that is released cannot: to
//! die at a named point of an order's path, and to tell another time than the machine's.
//!
//! Both are files in a folder that [`FOLDER`] names. `die-after-capture` makes the next process
//! that comes to that point die there, without a destructor run or a line flushed; the file goes
//! first, so that one dies. `clock-worker` has the microseconds by which the clock of the process
//! of that name differs.
//!
//! `cargo xtask faults` uses it (docs/faults.md); that a released program has none of it is looked
//! at where the image is checked.

use techcommerce_kernel::Env;
use techcommerce_order_api::Faults;

/// The clock and the randomness of this process.
#[cfg(not(debug_assertions))]
pub fn env() -> Env {
    Env::system()
}

/// Nothing breaks off.
#[cfg(not(debug_assertions))]
pub fn faults() -> Faults {
    Faults::default()
}

#[cfg(debug_assertions)]
pub use told::{env, faults};

#[cfg(debug_assertions)]
mod told {
    use std::path::{Path, PathBuf};

    use techcommerce_kernel::{Clock, Random, Timestamp};

    use super::{Env, Faults};

    /// The variable that names the folder; the check of the image looks for this text. It does not
    /// begin as settings do, for those that are not known are refused.
    const FOLDER: &str = "TRIAL_TECHCOMMERCE_FAULTS";
    /// What this process is called there.
    const NAME: &str = "TRIAL_TECHCOMMERCE_NAME";

    #[allow(
        clippy::disallowed_methods,
        reason = "no setting: nobody is to find it in a file or a manifest"
    )]
    fn told(name: &str) -> Option<String> {
        std::env::var(name).ok().filter(|text| !text.is_empty())
    }

    fn folder() -> Option<PathBuf> {
        told(FOLDER).map(PathBuf::from)
    }

    /// The clock and the randomness of this process.
    pub fn env() -> Env {
        match (folder(), told(NAME)) {
            (Some(folder), Some(name)) => {
                let file = folder.join(format!("clock-{name}"));
                Env::new(Shifted(Env::system(), file), Chance(Env::system()))
            }
            _ => Env::system(),
        }
    }

    /// The machine's clock, off by what a file says.
    struct Shifted(Env, PathBuf);

    impl Clock for Shifted {
        fn now(&self) -> Timestamp {
            let now = self.0.now().as_micros();
            Timestamp::from_micros(now.saturating_add(shift(&self.1)))
        }
    }

    /// The operating system's randomness, as it is.
    struct Chance(Env);

    impl Random for Chance {
        fn fill(&self, bytes: &mut [u8]) {
            for piece in bytes.chunks_mut(16) {
                let random: [u8; 16] = self.0.random_bytes();
                piece.copy_from_slice(&random[..piece.len()]);
            }
        }
    }

    /// By how many microseconds; none where nothing is said.
    fn shift(file: &Path) -> i64 {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        text.trim().parse().unwrap_or(0)
    }

    /// Dies where a file says so.
    pub fn faults() -> Faults {
        let Some(folder) = folder() else {
            return Faults::default();
        };
        Faults::new(move |point| {
            // Whoever removes it is the one that it is for.
            if std::fs::remove_file(folder.join(format!("die-{point}"))).is_ok() {
                std::process::abort();
            }
            Ok(())
        })
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_file_says_how_far_the_clock_is_off() {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("clock-worker");
            let clock = Shifted(Env::system(), file.clone());
            let near = |shift: i64| {
                let is = clock.now().as_micros() - Env::system().now().as_micros();
                (is - shift).abs() < 5_000_000
            };
            assert!(near(0), "nothing is said");
            std::fs::write(&file, "-3600000000\n").unwrap();
            assert!(near(-3_600_000_000));
            std::fs::write(&file, "nonsense").unwrap();
            assert!(near(0), "nothing that can be understood");
        }
    }
}
