//! When an event is sent again: ten attempts within three days.

use std::time::{Duration, UNIX_EPOCH};

use http::{HeaderMap, header};
use techcommerce_kernel::{Env, Timestamp};

/// The pauses after each attempt but the last: those that the specification suggests, with the
/// long ones a little shorter, so that the last attempt is made within three days of the first.
const PAUSES: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(5),
    Duration::from_hours(10),
    Duration::from_hours(14),
    Duration::from_hours(18),
    Duration::from_hours(22),
];

/// Nobody is believed who wants to be left alone for longer.
const LONGEST_WISH: Duration = Duration::from_hours(24);

/// After how long to send again when the `tries`th attempt (from 1) has failed; `None` if it was the
/// last. A tenth of each pause is random, so that what failed together does not come back
/// together; who asks for a longer pause gets it.
pub(super) fn pause(env: &Env, tries: i64, wish: Option<Duration>) -> Option<Duration> {
    let pause = *PAUSES.get(usize::try_from(tries).ok()?.checked_sub(1)?)?;
    let tenth = pause / 10;
    let pause = pause - tenth + env.jitter(tenth);
    let wish = wish.unwrap_or_default().min(LONGEST_WISH);
    Some(pause.max(wish))
}

/// For how long an answer asks to be left alone: `Retry-After` in seconds or as a date.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let at = httpdate::parse_http_date(text).ok()?;
    let at = at.duration_since(UNIX_EPOCH).ok()?;
    let now = Duration::from_micros(u64::try_from(now.as_micros()).ok()?);
    Some(at.saturating_sub(now))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const ATTEMPTS: i64 = 10;

    #[test]
    fn ten_attempts_take_between_two_and_three_days() {
        for seed in 0..200 {
            let (env, _) = Env::manual(seed);
            let (mut taken, mut attempts) = (Duration::ZERO, 1);
            while let Some(pause) = pause(&env, attempts, None) {
                assert!(!pause.is_zero());
                (taken, attempts) = (taken + pause, attempts + 1);
            }
            assert_eq!(attempts, ATTEMPTS);
            assert!(taken <= Duration::from_hours(72), "{taken:?}");
            assert!(taken > Duration::from_hours(60), "{taken:?}");
        }
    }

    #[test]
    fn pauses_differ_and_wishes_are_granted_within_reason() {
        let (env, _) = Env::manual(1);
        let second = |wish| pause(&env, 2, wish).unwrap();
        assert_ne!(second(None), second(None));
        assert!(second(Some(Duration::ZERO)) <= Duration::from_mins(5));
        assert_eq!(
            second(Some(Duration::from_hours(3))),
            Duration::from_hours(3)
        );
        assert_eq!(second(Some(Duration::from_hours(99))), LONGEST_WISH);
        for none in [0, ATTEMPTS, -1, i64::MAX] {
            assert_eq!(pause(&env, none, None), None, "{none}");
        }
    }

    #[test]
    fn both_ways_to_ask_for_a_pause_are_read() {
        let now: Timestamp = "2027-01-15T08:00:00Z".parse().unwrap();
        let asked = |text: &'static str| {
            let value = HeaderValue::from_static(text);
            retry_after(&HeaderMap::from_iter([(header::RETRY_AFTER, value)]), now)
        };
        assert_eq!(asked("120"), Some(Duration::from_mins(2)));
        let date = "Fri, 15 Jan 2027 08:01:30 GMT";
        assert_eq!(asked(date), Some(Duration::from_secs(90)));
        assert_eq!(asked("Fri, 15 Jan 2027 07:00:00 GMT"), Some(Duration::ZERO));
        for nothing in ["", "soon", "-5", "1.5", "99999999999999999999"] {
            assert_eq!(asked(nothing), None, "{nothing}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
