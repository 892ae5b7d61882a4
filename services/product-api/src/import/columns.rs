//! Columns found by their names.

/// The columns of a file.
#[derive(Debug, Clone)]
pub struct Columns {
    names: Vec<String>,
    plain: Vec<String>,
}

impl Columns {
    /// From the header as it is written.
    pub fn new(header: &[String]) -> Self {
        Self {
            names: header.to_vec(),
            plain: header.iter().map(|name| plain(name)).collect(),
        }
    }

    /// Where the first column with one of these names stands; case and the kind of spaces do not
    /// matter. If a name stands twice, the first counts.
    pub fn find(&self, names: &[&str]) -> Option<usize> {
        names
            .iter()
            .find_map(|wanted| self.plain.iter().position(|name| *name == plain(wanted)))
    }

    /// All names, in their order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// What a column is called in the file.
    pub fn name(&self, index: usize) -> Option<String> {
        self.names.get(index).cloned()
    }
}

fn plain(name: &str) -> String {
    let words: Vec<String> = name.split_whitespace().map(str::to_lowercase).collect();
    words.join(" ")
}
