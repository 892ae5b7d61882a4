//! Queries in pieces, so that every one asks for the chosen shop and leaves nothing out.

/// The series of a metric in the chosen namespaces: outside of a cluster nothing has that label, and
/// `.*` matches that too.
pub fn series(metric: &str, labels: &str) -> String {
    let comma = if labels.is_empty() { "" } else { ", " };
    format!("{metric}{{namespace=~\"$namespace\"{comma}{labels}}}")
}

/// How fast a counter grows, by the second.
pub fn rate(metric: &str, labels: &str) -> String {
    format!("rate({}[$__rate_interval])", series(metric, labels))
}

/// How much it grew over all that is shown.
pub fn over_range(metric: &str, labels: &str) -> String {
    format!("increase({}[$__range])", series(metric, labels))
}

pub fn sum(by: &str, of: &str) -> String {
    aggregate("sum", by, of)
}

/// For what several processes report of one and the same thing.
pub fn max(by: &str, of: &str) -> String {
    aggregate("max", by, of)
}

pub fn aggregate(how: &str, by: &str, of: &str) -> String {
    if by.is_empty() {
        format!("{how}({of})")
    } else {
        format!("{how} by ({by}) ({of})")
    }
}

/// The time within which this share of what a histogram counted was done.
pub fn quantile(share: f64, by: &str, histogram: &str, labels: &str) -> String {
    let comma = if by.is_empty() { "" } else { ", " };
    format!(
        "histogram_quantile({share}, sum by (le{comma}{by}) ({}))",
        rate(&format!("{histogram}_bucket"), labels)
    )
}

/// The share of `part` in `whole`, each a counter with labels: 0 where there was none of the part,
/// nothing where there was nothing at all.
pub fn share(by: &str, part: (&str, &str), whole: (&str, &str)) -> String {
    let part = sum(by, &rate(part.0, part.1));
    let whole = sum(by, &rate(whole.0, whole.1));
    format!("({part} or 0 * {whole}) / ({whole} > 0)")
}

/// Minor units as an amount of the currency, which the label names: yen have no cents.
pub fn money(of: impl Fn(&str) -> String) -> String {
    const WHOLE: &str = "BIF|CLP|DJF|GNF|ISK|JPY|KMF|KRW|PYG|RWF|UGX|UYI|VND|VUV|XAF|XOF|XPF";
    const THREE: &str = "BHD|IQD|JOD|KWD|LYD|OMR|TND";
    format!(
        "{} / 100 or {} / 1000 or {}",
        of(&format!("currency!~\"{WHOLE}|{THREE}\"")),
        of(&format!("currency=~\"{THREE}\"")),
        of(&format!("currency=~\"{WHOLE}\"")),
    )
}
