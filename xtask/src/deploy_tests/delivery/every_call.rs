//! Every single call of kubectl goes wrong in every way that there is: the shop ends on the old release or on
//! the new one, and the last line says which.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::shop::{Has, NEW, Shop, last_words};
use crate::deploy_tests::double::Run;

/// Ways for a call to go wrong after which the script goes on to its own end. What is only refused once is
/// tried where a script tries again, and at night everywhere.
fn ended() -> &'static [&'static str] {
    let all = &["always", "after", "term", "once"];
    if at_night() { all } else { &all[..3] }
}

fn at_night() -> bool {
    std::env::var_os("TECHCOMMERCE_TEST_NIGHTLY").is_some()
}

/// What a command is tried with.
#[derive(Clone, Copy)]
struct Trial {
    shop: fn() -> Shop,
    run: fn(&Shop, Option<(usize, &str)>) -> Run,
    /// What the seven have where it did not succeed, and where it did.
    old: Has,
    new: Has,
    /// What the last line says then.
    says_old: &'static str,
    says_new: &'static str,
    /// A change of the scripts first: a mistake that has to be found.
    plant: Option<(&'static str, &'static str, &'static str)>,
}

const RELEASE: Trial = Trial {
    shop: || {
        let shop = Shop::new();
        shop.machine.put("cluster/CronJob.backup", "");
        let mut shop = shop;
        shop.keep();
        shop
    },
    run: |shop, wrong| {
        shop.release(
            "new.yaml",
            &["--backup", "--watch", "1s", "--take-over"],
            wrong,
        )
    },
    old: Has::Old,
    new: Has::New,
    says_old: "The shop runs the old release: release 1,",
    says_new: "The shop runs the new release: release ",
    plant: None,
};

/// The same without what has tests of its own.
const PLAIN: Trial = Trial {
    run: |shop, wrong| shop.release("new.yaml", &["--no-smoke", "--take-over"], wrong),
    ..RELEASE
};

/// The new release never comes up, so that every call of taking it back is made, and goes wrong once.
const STUCK: Trial = Trial {
    shop: || {
        let shop = Shop::new();
        shop.machine.put("stuck", NEW);
        shop
    },
    run: |shop, wrong| shop.release("new.yaml", &["--take-over"], wrong),
    ..RELEASE
};

const ROLLBACK: Trial = Trial {
    shop: Shop::updated,
    run: |shop, wrong| shop.rollback(&["--take-over"], wrong),
    old: Has::New,
    new: Has::Old,
    says_old: "The shop still runs the release that it was to leave: release 2,",
    says_new: "The shop is back on the earlier release: release 1,",
    plant: None,
};

impl Trial {
    fn prepared(&self) -> Shop {
        let shop = (self.shop)();
        if let Some((file, from, to)) = self.plant {
            let file = shop.machine.root().join(file);
            let text = std::fs::read_to_string(&file).expect("a script");
            assert!(text.contains(from), "{from} is not there to be broken");
            std::fs::write(&file, text.replace(from, to)).expect("a script");
        }
        shop
    }

    /// Each call goes wrong in each of these ways; what was found wrong.
    fn all(
        self,
        ways: &[&str],
        look: fn(&Trial, &Shop, &Run) -> Result<(), String>,
    ) -> Vec<String> {
        let shop = self.prepared();
        shop.reset();
        let whole = (self.run)(&shop, None);
        let kubectl = |call: &&String| call.starts_with("kubectl");
        let calls = whole.calls.iter().filter(kubectl).count();
        assert!(calls > 15, "{:#?}", whole.calls);
        let cases: Vec<(usize, &str)> = (1..=calls)
            .flat_map(|number| ways.iter().map(move |how| (number, *how)))
            .collect();
        let next = AtomicUsize::new(0);
        let work = || {
            let shop = self.prepared();
            let mut found = Vec::new();
            // A planted mistake is found once it is found.
            while self.plant.is_none() || found.is_empty() {
                let Some((number, how)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) else {
                    break;
                };
                shop.reset();
                let run = (self.run)(&shop, Some((*number, how)));
                if let Err(wrong) = look(&self, &shop, &run) {
                    found.push(format!(
                        "call {number} {how}: {wrong}\n{}\n{}\n{:#?}",
                        run.out, run.err, run.calls
                    ));
                }
            }
            found
        };
        std::thread::scope(|all| {
            let threads: Vec<_> = (0..3).map(|_| all.spawn(work)).collect();
            let joined = threads.into_iter().map(|thread| thread.join());
            joined.flat_map(|found| found.expect("a thread")).collect()
        })
    }

    #[track_caller]
    fn holds(self, ways: &[&str], look: fn(&Trial, &Shop, &Run) -> Result<(), String>) {
        let found = self.all(ways, look);
        let heads: Vec<&str> = found.iter().filter_map(|one| one.lines().next()).collect();
        assert!(found.is_empty(), "{heads:#?}\n{}", found[0]);
    }
}

/// What the last line says of the shop, if it says anything of it.
fn said(trial: &Trial, run: &Run) -> Result<Option<Has>, String> {
    let words = last_words(run);
    if words.starts_with(trial.says_new) {
        Ok(Some(trial.new))
    } else if words.starts_with(trial.says_old) || words.starts_with("Nothing was changed: ") {
        Ok(Some(trial.old))
    } else if words.starts_with("It is not known what the shop runs: ") || words.is_empty() {
        Ok(None)
    } else {
        // Where the note could not be read, a number stands for the release.
        let short = |full: &str| words.starts_with(full.split(" release ").next().unwrap_or(full));
        match (short(trial.says_new), short(trial.says_old)) {
            (true, _) => Ok(Some(trial.new)),
            (_, true) => Ok(Some(trial.old)),
            _ => Err(format!("the last line says nothing of the shop: {words}")),
        }
    }
}

/// What has to be true wherever the script itself came to its end.
fn ends_on_one(trial: &Trial, shop: &Shop, run: &Run) -> Result<(), String> {
    let has = shop.has();
    let words = last_words(run);
    let said = said(trial, run)?.ok_or_else(|| words.clone())?;
    check(has == said, || format!("{words} It has {has:?}"))?;
    check(shop.machine.workplaces() == 0, || {
        "a workplace is left".into()
    })?;
    if run.ok {
        check(has == trial.new, || format!("succeeded, and has {has:?}"))?;
        return is_settled(trial, shop);
    }
    // What the record says in the end is what runs, also where the lock could not be given back; only of
    // a new release that stands the note may be missing.
    if has == trial.old {
        recorded_is(trial, shop, trial.old)
    } else {
        Ok(())
    }
}

/// Whether the record names this release as the one that runs.
fn recorded_is(trial: &Trial, shop: &Shop, has: Has) -> Result<(), String> {
    let number = |has: Has| if has == Has::Old { "1" } else { "2" };
    let current = shop.says("current");
    // The new one gets a number of its own, of which failed attempts use up some.
    let right = if trial.new == Has::New && has == Has::New {
        current != "1"
    } else {
        current == number(has)
    };
    check(right, || format!("the record says that {current} runs"))
}

fn is_settled(trial: &Trial, shop: &Shop) -> Result<(), String> {
    let lock = shop.says("under-way");
    check(lock.is_empty(), || format!("{lock} is still under way"))?;
    recorded_is(trial, shop, shop.has())
}

/// Nobody answers any more, or the script is killed: later somebody puts back what was left.
fn can_be_settled(trial: &Trial, shop: &Shop, run: &Run) -> Result<(), String> {
    // What came after its end does not matter.
    if run.ok {
        return ends_on_one(trial, shop, run);
    }
    // Killed, its last line may be any.
    if let Ok(Some(said)) = said(trial, run) {
        check(shop.has() == said, || last_words(run))?;
    }
    let settled = shop.rollback(&["--unfinished", "--take-over"], None);
    check(settled.ok, || settled.err.clone())?;
    check(shop.has() != Has::Between, || "between".into())?;
    is_settled(trial, shop)?;
    // And once more: nothing is left to be done.
    let again = shop.rollback(&["--unfinished"], None);
    check(
        again.ok && again.out.contains("Nothing is unfinished."),
        || again.err.clone(),
    )
}

fn check(right: bool, wrong: impl FnOnce() -> String) -> Result<(), String> {
    if right { Ok(()) } else { Err(wrong()) }
}

#[test]
fn of_a_release() {
    RELEASE.holds(ended(), ends_on_one);
}

#[test]
fn of_a_rollback() {
    ROLLBACK.holds(ended(), ends_on_one);
}

#[test]
fn of_taking_a_release_back() {
    STUCK.holds(&["once"], ends_on_one);
}

#[test]
fn after_which_nobody_answers() {
    PLAIN.holds(&["gone"], can_be_settled);
    if at_night() {
        ROLLBACK.holds(&["gone"], can_be_settled);
    }
}

#[test]
fn in_which_the_script_is_killed() {
    PLAIN.holds(&["kill"], can_be_settled);
    if at_night() {
        ROLLBACK.holds(&["kill"], can_be_settled);
    }
}

/// The same mistakes that somebody could make in the scripts: each is noticed.
#[test]
fn planted_mistakes_are_found() {
    let transaction = "scripts/delivery/transaction.sh";
    let mistakes: [(Trial, (&str, &str, &str)); 7] = [
        // Nothing is put back.
        (
            PLAIN,
            (
                transaction,
                "persist kube apply --filename \"$work/back.yaml\" >&2 || applied=no",
                "true",
            ),
        ),
        // It is said to be back without a look.
        (
            STUCK,
            (
                transaction,
                "  local applied=yes\n",
                "  local applied=yes; return\n",
            ),
        ),
        // One try is enough for anybody.
        (
            STUCK,
            (transaction, "((++tries < 5)) || return 1", "return 1"),
        ),
        // It stands before it stands.
        (
            PLAIN,
            (
                "scripts/release.sh",
                "  roll\n  ((!smoke))",
                "  commit\n  roll\n  ((!smoke))",
            ),
        ),
        // What failed is told as a success.
        (PLAIN, (transaction, "  exit \"$status\"", "  exit 0")),
        // A signal ends it at once.
        (
            PLAIN,
            (
                "scripts/deploy/rollout.sh",
                "  trap 'exit 143' TERM\n",
                "  trap 'trap - EXIT; exit 143' TERM\n",
            ),
        ),
        // The lock is not given back.
        (
            PLAIN,
            (
                transaction,
                "write_releases \"$new\" \"$before\" \"$last\" \"\"",
                "write_releases \"$new\" \"$before\" \"$last\" \"$new\"",
            ),
        ),
    ];
    for (trial, mistake) in mistakes {
        let trial = Trial {
            plant: Some(mistake),
            ..trial
        };
        let found = trial.all(&["once", "always", "term"], ends_on_one);
        assert!(!found.is_empty(), "nobody noticed: {mistake:?}");
    }
}
