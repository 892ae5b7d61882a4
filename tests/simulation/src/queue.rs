//! The job queue, as crates/jobs has it: leases, fences, attempts. tests/queue.rs holds it against that.

use std::collections::BTreeMap;

use techcommerce_kernel::Uuid;

use crate::bugs::Bug;

/// What a job is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Takes the order along its path.
    Advance(Uuid),
    /// Tells the customer something.
    Mail(Uuid),
    /// The customer's time to confirm is up.
    Overdue(Uuid),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Ready,
    Running,
    Done,
    Dead,
}

#[derive(Debug, Clone)]
struct Job {
    work: Work,
    state: State,
    due: i64,
    worker: Option<usize>,
    fence: i64,
    attempts: u32,
    max_attempts: u32,
    /// Which claim counts, whatever the fence says: what an all-knowing observer sees.
    serial: u64,
}

/// A job under a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The job.
    pub id: Uuid,
    /// What it is for.
    pub work: Work,
    /// Which attempt it is, from 1.
    pub attempt: u32,
    max_attempts: u32,
    fence: i64,
    serial: u64,
}

/// Somebody else has the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost;

/// The queue.
#[derive(Debug, Default)]
pub struct Queue {
    jobs: BTreeMap<Uuid, Job>,
    serial: u64,
    /// What is wrong with it.
    pub bug: Option<Bug>,
    /// Set when somebody changed a job that was not its own.
    pub overstepped: Option<Uuid>,
}

impl Queue {
    fn is(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    /// Writes a job.
    pub fn enqueue(&mut self, id: Uuid, work: Work, due: i64, max_attempts: u32) {
        let job = Job {
            work,
            state: State::Ready,
            due,
            worker: None,
            fence: 0,
            attempts: 0,
            max_attempts,
            serial: 0,
        };
        self.jobs.insert(id, job);
    }

    /// Takes up to `limit` jobs that are due; those that made their worker vanish at the last
    /// attempt are dead instead.
    pub fn claim(&mut self, worker: usize, now: i64, limit: usize, lease: i64) -> Vec<Claim> {
        let (keeps, leased_too) = (self.is(Bug::ClaimKeepsFence), self.is(Bug::TwoHolders));
        let mut due: Vec<(i64, Uuid)> = self
            .jobs
            .iter()
            .filter(|(_, job)| match job.state {
                State::Ready => job.due <= now,
                State::Running => job.due <= now || leased_too,
                State::Done | State::Dead => false,
            })
            .map(|(id, job)| (job.due, *id))
            .collect();
        due.sort_unstable();
        due.truncate(limit);
        let mut claims = Vec::new();
        for (_, id) in due {
            let Some(job) = self.jobs.get_mut(&id) else {
                continue;
            };
            self.serial += 1;
            job.state = State::Running;
            job.due = now + lease;
            job.worker = Some(worker);
            job.fence += i64::from(!keeps || job.fence == 0);
            job.attempts += 1;
            job.serial = self.serial;
            if job.attempts > job.max_attempts {
                job.state = State::Dead;
                continue;
            }
            claims.push(Claim {
                id,
                work: job.work,
                attempt: job.attempts,
                max_attempts: job.max_attempts,
                fence: job.fence,
                serial: self.serial,
            });
        }
        claims.sort_by_key(|claim| claim.id);
        claims
    }

    /// The job, if the claim still counts.
    fn held(&mut self, claim: &Claim, also_done: bool, unfenced: bool) -> Result<&mut Job, Lost> {
        let job = self.jobs.get_mut(&claim.id).ok_or(Lost)?;
        let open = job.state == State::Running || (also_done && job.state == State::Done);
        if !unfenced && (job.fence != claim.fence || !open) {
            return Err(Lost);
        }
        if job.serial != claim.serial {
            self.overstepped = Some(claim.id);
        }
        Ok(job)
    }

    /// Makes sure that the job is still its holder's.
    pub fn guard(&mut self, claim: &Claim) -> Result<(), Lost> {
        let unfenced = self.is(Bug::NoFenceOnRecord);
        self.held(claim, false, unfenced).map(drop)
    }

    /// Ends the job; twice is once.
    pub fn complete(&mut self, claim: &Claim) -> Result<(), Lost> {
        let unfenced = self.is(Bug::NoFenceOnRecord);
        let job = self.held(claim, true, unfenced)?;
        job.state = State::Done;
        job.worker = None;
        Ok(())
    }

    /// The attempt failed; the next one is at `at`, if there is one.
    pub fn fail(&mut self, claim: &Claim, at: i64) -> Result<(), Lost> {
        if claim.attempt >= claim.max_attempts {
            return self.bury(claim);
        }
        let unfenced = self.is(Bug::NoFenceOnEnd);
        let job = self.held(claim, false, unfenced)?;
        job.state = State::Ready;
        job.due = at;
        job.worker = None;
        Ok(())
    }

    /// To be asked again at `at`, without having failed.
    pub fn postpone(&mut self, claim: &Claim, at: i64) -> Result<(), Lost> {
        let unfenced = self.is(Bug::NoFenceOnEnd);
        let job = self.held(claim, false, unfenced)?;
        job.state = State::Ready;
        job.due = at;
        job.worker = None;
        job.attempts = job.attempts.saturating_sub(1);
        Ok(())
    }

    /// Never again.
    pub fn bury(&mut self, claim: &Claim) -> Result<(), Lost> {
        let job = self.held(claim, false, false)?;
        job.state = State::Dead;
        job.worker = None;
        Ok(())
    }

    /// Holds the job for longer.
    pub fn extend(&mut self, claim: &Claim, until: i64) -> Result<(), Lost> {
        self.held(claim, true, false)?.due = until;
        Ok(())
    }

    /// A worker starts: what one of its name held is given back.
    pub fn worker_started(&mut self, worker: usize, now: i64) -> usize {
        let mut given_back = 0;
        for job in self.jobs.values_mut() {
            let open = matches!(job.state, State::Ready | State::Running);
            if open && job.worker == Some(worker) {
                job.state = State::Ready;
                job.due = now;
                job.worker = None;
                job.fence += 1;
                job.serial = 0;
                given_back += 1;
            }
        }
        given_back
    }

    /// How many wait or run.
    pub fn open(&self) -> usize {
        let open = |job: &&Job| matches!(job.state, State::Ready | State::Running);
        self.jobs.values().filter(open).count()
    }

    /// Those that were given up.
    pub fn dead(&self) -> impl Iterator<Item = (Uuid, Work)> + '_ {
        let dead = |(_, job): &(&Uuid, &Job)| job.state == State::Dead;
        self.jobs
            .iter()
            .filter(dead)
            .map(|(id, job)| (*id, job.work))
    }

    /// Whether one of these is open.
    pub fn has_open(&self, work: Work) -> bool {
        let open = |job: &Job| matches!(job.state, State::Ready | State::Running);
        self.jobs.values().any(|job| job.work == work && open(job))
    }
}
