//! How WooCommerce writes texts into cells.

/// Takes away the apostrophe that the exporter sets before what a spreadsheet would take for a
/// formula.
pub(super) fn unescaped(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if rest.starts_with(['=', '+', '-', '@', '\t', '\r']) => rest,
        _ => cell,
    }
}

/// The parts of a list: commas set them apart, `\,` is a comma inside one.
pub(super) fn list(cell: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for c in unescaped(cell).chars() {
        let Some(part) = parts.last_mut() else { break };
        match c {
            ',' if escaped => {
                part.pop();
                part.push(',');
            }
            ',' => parts.push(String::new()),
            c => part.push(c),
        }
        escaped = c == '\\';
    }
    parts
        .iter()
        .map(|part| plain(part))
        .filter(|part| !part.is_empty())
        .collect()
}

/// Addresses out of a list: a comma that no address follows belongs to the address before it.
pub(super) fn addresses(cell: &str) -> Vec<String> {
    let mut addresses: Vec<String> = Vec::new();
    for part in list(cell) {
        match addresses.last_mut() {
            Some(last) if !part.contains("://") => {
                last.push(',');
                last.push_str(&part);
            }
            _ => addresses.push(part),
        }
    }
    addresses
}

/// A text that is no HTML: WordPress keeps some of it with entities.
pub(super) fn plain(cell: &str) -> String {
    let text = unescaped(cell.trim());
    if !text.contains('&') {
        return text.to_owned();
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        plain.push_str(&rest[..start]);
        rest = &rest[start..];
        let end = rest.char_indices().take(10).find(|(_, c)| *c == ';');
        match end.and_then(|(end, _)| Some((end, entity(&rest[1..end])?))) {
            Some((end, c)) => {
                plain.push(c);
                rest = &rest[end + 1..];
            }
            None => {
                plain.push('&');
                rest = &rest[1..];
            }
        }
    }
    plain.push_str(rest);
    plain.trim().to_owned()
}

fn entity(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        return code.ok().and_then(char::from_u32).filter(|c| *c != '\0');
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "ndash" => '–',
        "mdash" => '—',
        "hellip" => '…',
        "lsquo" => '‘',
        "rsquo" => '’',
        "ldquo" => '“',
        "rdquo" => '”',
        "reg" => '®',
        "trade" => '™',
        "copy" => '©',
        "deg" => '°',
        "auml" => 'ä',
        "ouml" => 'ö',
        "uuml" => 'ü',
        "Auml" => 'Ä',
        "Ouml" => 'Ö',
        "Uuml" => 'Ü',
        "szlig" => 'ß',
        "eacute" => 'é',
        "egrave" => 'è',
        "euro" => '€',
        _ => return None,
    })
}

/// A description as HTML. The exporter writes a line break as `\n`, and `\n` as `\\n`. A text
/// without paragraphs of its own gets them from its lines, as WordPress does when it shows it.
pub(super) fn description(cell: &str) -> String {
    let text = unescaped(cell)
        .replace("\\\\n", "\0")
        .replace("\\r", "")
        .replace("\\n", "\n")
        .replace('\0', "\\n");
    let text = text.trim();
    if !text.contains('\n') || has_blocks(text) {
        return text.to_owned();
    }
    let paragraphs = text
        .split("\n\n")
        .map(str::trim)
        .filter(|paragraph| !paragraph.is_empty())
        .map(|paragraph| format!("<p>{}</p>", paragraph.replace('\n', "<br>\n")));
    paragraphs.collect::<Vec<_>>().join("\n")
}

fn has_blocks(html: &str) -> bool {
    const BLOCKS: [&str; 19] = [
        "<p>",
        "<p ",
        "<br",
        "<div",
        "<ul",
        "<ol",
        "<li",
        "<table",
        "<h1",
        "<h2",
        "<h3",
        "<h4",
        "<h5",
        "<h6",
        "<blockquote",
        "<pre",
        "<section",
        "<figure",
        "<hr",
    ];
    let html = html.to_ascii_lowercase();
    BLOCKS.iter().any(|tag| html.contains(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_read_as_they_were_meant() {
        assert_eq!(unescaped("'-5"), "-5");
        assert_eq!(unescaped("'=1+1"), "=1+1");
        assert_eq!(unescaped("'quoted'"), "'quoted'");
        assert_eq!(
            list("Red, Green\\, dark,  , Blue &amp; white"),
            ["Red", "Green, dark", "Blue & white"]
        );
        assert_eq!(list(""), Vec::<String>::new());
        assert_eq!(
            plain("Salt &amp; Pepper &#8211; 5&quot; &x; & co"),
            "Salt & Pepper – 5\" &x; & co"
        );
        assert_eq!(
            addresses("https://a.example/w_200,h_300/1.jpg, https://a.example/2.jpg"),
            [
                "https://a.example/w_200,h_300/1.jpg",
                "https://a.example/2.jpg"
            ]
        );
    }

    #[test]
    fn lines_become_paragraphs_where_there_are_none() {
        assert_eq!(description("One line"), "One line");
        assert_eq!(description("<p>a</p>\\n<p>b</p>"), "<p>a</p>\n<p>b</p>");
        assert_eq!(description("a\\nb\\n\\nc"), "<p>a<br>\nb</p>\n<p>c</p>");
        assert_eq!(description("C:\\\\new"), "C:\\new");
    }
}
