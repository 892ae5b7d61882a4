//! Columns found by their names.

/// The columns of a file.
#[derive(Debug, Clone)]
pub struct Columns {
    names: Vec<String>,
}

impl Columns {
    /// From the header as it is written.
    pub fn new(header: &[String]) -> Self {
        Self {
            names: header.to_vec(),
        }
    }

    /// Where the first column with one of these names stands; case does not matter. If a name
    /// stands twice, the first counts.
    pub fn find(&self, names: &[&str]) -> Option<usize> {
        names.iter().find_map(|wanted| {
            self.names
                .iter()
                .position(|name| name.eq_ignore_ascii_case(wanted))
        })
    }

    /// What a column is called in the file.
    pub fn name(&self, index: usize) -> Option<String> {
        self.names.get(index).cloned()
    }
}
