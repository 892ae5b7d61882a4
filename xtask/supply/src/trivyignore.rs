//! `security/trivyignore`: flaws that the image scanner is told to pass over. Each says why in the comment
//! above it, and until when.

use crate::finding::Finding;

/// Where it is.
pub const FILE: &str = "security/trivyignore";

/// Longest that a flaw may be passed over before somebody looks again.
const DAYS: i64 = 180;

/// How many there are, and what is wrong with them. `today` is in days since 1970.
#[must_use]
pub fn check(text: &str, today: i64) -> (usize, Vec<Finding>) {
    let mut found = Vec::new();
    let (mut entries, mut reason) = (Vec::new(), String::new());
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        let wrong =
            |wrong: String, mend: &str| Finding::new(format!("{FILE}:{}", number + 1), wrong, mend);
        if let Some(comment) = line.strip_prefix('#') {
            reason = comment.trim().to_owned();
            continue;
        }
        if line.is_empty() {
            // A comment that stands alone is about the file.
            reason.clear();
            continue;
        }
        let mut words = line.split_whitespace();
        let name = words.next().unwrap_or_default();
        if reason.len() < 20 {
            found.push(wrong(
                format!("{name} is passed over without a reason"),
                "Say in the line above why it does no harm here.",
            ));
        }
        if entries.contains(&name) {
            found.push(wrong(format!("{name} is there twice"), ""));
        }
        entries.push(name);
        match words
            .next()
            .and_then(|word| word.strip_prefix("exp:"))
            .map(day)
        {
            None => found.push(wrong(
                format!("{name} is passed over for ever"),
                "Say until when: NAME exp:2026-12-31",
            )),
            Some(None) => found.push(wrong(
                format!("{name} has an end that is no date"),
                "exp:YYYY-MM-DD",
            )),
            Some(Some(end)) if end < today => found.push(wrong(
                format!("{name} was to be looked at again by now"),
                "Remove it, or say anew until when.",
            )),
            Some(Some(end)) if end > today + DAYS => found.push(wrong(
                format!("{name} is passed over for more than {DAYS} days"),
                "Somebody should look again sooner.",
            )),
            Some(Some(_)) => {}
        }
        reason.clear();
    }
    (entries.len(), found)
}

/// Days since 1970 of `2026-12-31`.
fn day(text: &str) -> Option<i64> {
    let mut numbers = text.split('-').map(str::parse::<i64>);
    let (year, month, day) = (
        numbers.next()?.ok()?,
        numbers.next()?.ok()?,
        numbers.next()?.ok()?,
    );
    if numbers.next().is_some() || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Years that begin in March end with the day that some of them have more.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * month + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REASON: &str = "# Only in a tool that the image does not have.\n";

    fn wrong(text: &str) -> Vec<String> {
        let today = day("2026-06-01").unwrap();
        check(text, today)
            .1
            .into_iter()
            .map(|found| found.wrong)
            .collect()
    }

    #[test]
    fn dates_are_days() {
        assert_eq!(day("1970-01-01"), Some(0));
        assert_eq!(day("2000-02-29"), Some(11_016));
        assert_eq!(day("2026-11-21"), Some(20_778));
        assert_eq!(day("2026-13-01"), None);
        assert_eq!(day("soon"), None);
    }

    #[test]
    fn an_explained_one_with_an_end_is_fine() {
        assert_eq!(
            wrong(&format!(
                "# The file.\n\n{REASON}CVE-2026-1 exp:2026-08-01\n"
            )),
            [""; 0]
        );
        assert_eq!(wrong("# Nothing is passed over.\n"), [""; 0]);
    }

    #[test]
    fn each_mistake_is_found() {
        for (text, part) in [
            ("CVE-2026-1 exp:2026-08-01".to_owned(), "without a reason"),
            (
                "# Because.\nCVE-2026-1 exp:2026-08-01".to_owned(),
                "without a reason",
            ),
            (format!("{REASON}CVE-2026-1"), "for ever"),
            (format!("{REASON}CVE-2026-1 exp:2026-05-31"), "by now"),
            (format!("{REASON}CVE-2026-1 exp:2027-05-31"), "more than"),
            (format!("{REASON}CVE-2026-1 exp:later"), "no date"),
            (
                format!("{REASON}A exp:2026-08-01\n{REASON}A exp:2026-08-01"),
                "twice",
            ),
            (
                format!("{REASON}A exp:2026-08-01\nB exp:2026-08-01"),
                "without a reason",
            ),
        ] {
            let found = wrong(&text);
            assert!(
                found.len() == 1 && found[0].contains(part),
                "{text}: {found:?}"
            );
        }
    }
}
