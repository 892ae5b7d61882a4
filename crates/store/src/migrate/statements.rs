//! A migration's text taken apart: its statements, and the words of one.

/// The statements, without what ends them and without comments before them.
pub(crate) fn statements(sql: &str) -> Vec<&str> {
    let mut all = Vec::new();
    let mut begin = 0;
    let mut at = 0;
    // Nothing but comments and spaces was seen since `begin`.
    let mut empty = true;
    while let Some(piece) = piece(sql, at) {
        match piece {
            Piece::Space(end) | Piece::Comment(end) => {
                at = end;
                if empty {
                    begin = at;
                }
            }
            Piece::Symbol(';') => {
                if !empty {
                    all.push(sql[begin..at].trim_end());
                }
                at += 1;
                begin = at;
                empty = true;
            }
            Piece::Symbol(symbol) => {
                at += symbol.len_utf8();
                empty = false;
            }
            Piece::Word(end) | Piece::Text(end) => {
                at = end;
                empty = false;
            }
        }
    }
    if !empty {
        all.push(sql[begin..].trim_end());
    }
    all
}

/// The words, names and symbols of a statement; texts are left as `''`.
pub(crate) fn words(sql: &str) -> Vec<&str> {
    let mut all = Vec::new();
    let mut at = 0;
    while let Some(piece) = piece(sql, at) {
        let end = match piece {
            Piece::Space(end) | Piece::Comment(end) => {
                at = end;
                continue;
            }
            Piece::Text(end) => {
                all.push("''");
                at = end;
                continue;
            }
            Piece::Word(end) => end,
            Piece::Symbol(symbol) => at + symbol.len_utf8(),
        };
        all.push(&sql[at..end]);
        at = end;
    }
    all
}

/// What begins at a place; each but the symbol with where it ends.
enum Piece {
    Space(usize),
    Comment(usize),
    /// In single quotes or between dollars.
    Text(usize),
    /// A word, a number, or a name in double quotes.
    Word(usize),
    Symbol(char),
}

fn piece(sql: &str, at: usize) -> Option<Piece> {
    let rest = &sql[at..];
    let first = rest.chars().next()?;
    // Where a run of such characters ends.
    let run = |of: fn(char) -> bool| rest.find(|c| !of(c)).map_or(sql.len(), |n| at + n);
    Some(if first.is_whitespace() {
        Piece::Space(run(char::is_whitespace))
    } else if rest.starts_with("--") {
        Piece::Comment(rest.find('\n').map_or(sql.len(), |n| at + n))
    } else if rest.starts_with("/*") {
        Piece::Comment(at + comment(rest))
    } else if first == '\'' {
        Piece::Text(at + quoted(rest, '\''))
    } else if first == '"' {
        Piece::Word(at + quoted(rest, '"'))
    } else if let Some(tag) = dollar_tag(rest) {
        let inside = &rest[tag.len()..];
        let end = inside.find(tag).map_or(rest.len(), |n| n + 2 * tag.len());
        Piece::Text(at + end)
    } else if is_of_word(first) {
        Piece::Word(run(is_of_word))
    } else {
        Piece::Symbol(first)
    })
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | '$')
}

/// How long a text in quotes is; a doubled quote is one of it.
fn quoted(text: &str, quote: char) -> usize {
    let mut rest = text.char_indices().skip(1).peekable();
    while let Some((index, c)) = rest.next() {
        if c == quote && rest.next_if(|(_, next)| *next == quote).is_none() {
            return index + 1;
        }
    }
    text.len()
}

/// How long a comment is that may hold others.
fn comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth = depth.saturating_sub(1);
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// `$$` or `$tag$`, if the text begins with it; `$1` is a placeholder.
fn dollar_tag(text: &str) -> Option<&str> {
    let inside = text.strip_prefix('$')?;
    let end = inside.find('$')?;
    let is_name = inside[..end]
        .chars()
        .all(|c| c.is_ascii_alphabetic() || c == '_');
    is_name.then(|| &text[..end + 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_end_where_they_end_and_nowhere_else() {
        let sql = "-- a comment; with a semicolon\n\
                   CREATE TABLE a (x text DEFAULT 'it''s; one'); -- after\n\
                   /* one /* in; another */ ; */\n\
                   INSERT INTO \"odd;name\" VALUES ($$a;b$$, $x$;$x$, $1)\n;;\n\
                   UPDATE a SET x = 'é;'\n";
        assert_eq!(
            statements(sql),
            [
                "CREATE TABLE a (x text DEFAULT 'it''s; one')",
                "INSERT INTO \"odd;name\" VALUES ($$a;b$$, $x$;$x$, $1)",
                "UPDATE a SET x = 'é;'",
            ]
        );
        for empty in ["", "  \n", "-- nothing", ";", "/* never ends"] {
            assert!(statements(empty).is_empty(), "{empty}");
        }
        assert_eq!(statements("SELECT 'never ends; "), ["SELECT 'never ends;"]);
    }

    #[test]
    fn words_are_names_and_symbols() {
        assert_eq!(
            words("ALTER TABLE a.b ADD \"C d\" bigint DEFAULT f('x;y') -- end"),
            [
                "ALTER", "TABLE", "a.b", "ADD", "\"C d\"", "bigint", "DEFAULT", "f", "(", "''", ")"
            ]
        );
    }

    #[test]
    fn any_text_is_taken_apart() {
        for text in ["'", "\"", "$", "$$", "$a$", "/*", "--", "é'", "$1", "/**/;"] {
            let _ = (statements(text), words(text));
        }
    }
}
