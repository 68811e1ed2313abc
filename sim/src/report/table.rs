//! Aligned columns of text: the last one is as wide as it likes.

/// Rows of cells under a head.
pub struct Table<const COLUMNS: usize> {
    head: [&'static str; COLUMNS],
    rows: Vec<[String; COLUMNS]>,
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    pub fn new(head: [&'static str; COLUMNS]) -> Table<COLUMNS> {
        Table {
            head,
            rows: Vec::new(),
        }
    }

    pub fn row(&mut self, cells: [String; COLUMNS]) {
        self.rows.push(cells);
    }

    /// The rows under the head.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, &self.head.map(str::to_owned));
        out + &self.body()
    }

    /// The rows alone.
    pub fn body(&self) -> String {
        let mut out = String::new();
        self.rows.iter().for_each(|row| self.write(&mut out, row));
        out
    }

    fn write(&self, out: &mut String, cells: &[String; COLUMNS]) {
        let mut line = String::new();
        for (column, cell) in cells.iter().enumerate() {
            line.push_str(cell);
            if column + 1 < COLUMNS {
                let padding = self.width(column) - cell.chars().count() + 2;
                line.extend(std::iter::repeat_n(' ', padding));
            }
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }

    fn width(&self, column: usize) -> usize {
        let rows = self.rows.iter().map(|row| row[column].chars().count());
        rows.chain([self.head[column].chars().count()])
            .max()
            .unwrap_or(0)
    }
}
