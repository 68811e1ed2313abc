//! Aligned columns of text, without lines between them.

use comfy_table::{Cell, CellAlignment, ColumnConstraint, ContentArrangement, TableStyle};

use super::text::{Look, Text};

/// Blanks between two columns.
const GAP: u16 = 2;

/// What is in a cell: a line, or some.
pub struct Lines(Vec<String>);

impl From<String> for Lines {
    fn from(line: String) -> Lines {
        Lines(vec![line])
    }
}

impl From<Vec<&str>> for Lines {
    fn from(lines: Vec<&str>) -> Lines {
        Lines(lines.into_iter().map(str::to_owned).collect())
    }
}

/// Rows of cells under a head, each row in a style.
pub struct Table {
    table: comfy_table::Table,
    looks: Vec<Look>,
    is_wrapped: bool,
}

impl Table {
    /// A table whose columns are as wide as their cells.
    pub fn new<const COLUMNS: usize>(head: [&str; COLUMNS]) -> Table {
        let mut table = comfy_table::Table::new();
        table
            .load_style(TableStyle::new())
            .set_content_arrangement(ContentArrangement::Disabled)
            .set_header(head);
        Table {
            table,
            looks: Vec::new(),
            is_wrapped: false,
        }
    }

    /// A table of at most so many columns of characters: cells are wrapped, but for those of the
    /// columns named.
    pub fn wrapped<const COLUMNS: usize>(
        head: [&str; COLUMNS],
        width: u16,
        whole: &[usize],
    ) -> Table {
        let mut table = Table::new(head);
        table.is_wrapped = true;
        table
            .table
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(width);
        for column in whole {
            if let Some(column) = table.table.column_mut(*column) {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        table
    }

    /// Numbers read better so.
    pub fn align_right(mut self, columns: &[usize]) -> Table {
        for column in columns {
            if let Some(column) = self.table.column_mut(*column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        self
    }

    /// Adds a row. A table that is wrapped finds its rows again by their first cells: these begin
    /// with something that is not a blank.
    pub fn row<const COLUMNS: usize>(&mut self, look: Look, cells: [impl Into<Lines>; COLUMNS]) {
        self.looks.push(look);
        let cells = cells.map(|cell| {
            let Lines(lines) = cell.into();
            let lines = lines.iter().map(|line| sim_air::printable(line));
            Cell::new(lines.collect::<Vec<_>>().join("\n"))
        });
        self.table.add_row(cells);
    }

    /// The rows under the head.
    pub fn text(self) -> Text {
        self.lines(true)
    }

    /// The rows alone.
    pub fn body(self) -> Text {
        self.lines(false)
    }

    fn lines(mut self, with_head: bool) -> Text {
        let columns = self.table.column_count();
        for (index, column) in self.table.column_iter_mut().enumerate() {
            let gap = if index + 1 < columns { GAP } else { 0 };
            column.set_padding((0, gap));
        }
        let mut looks = self.looks.iter();
        let mut look = Look::Head;
        let mut text = Text::default();
        for (index, line) in self.table.lines().enumerate() {
            let begins_row = !self.is_wrapped || !line.starts_with(' ');
            if index > 0 && begins_row {
                look = looks.next().copied().unwrap_or_default();
            }
            if index > 0 || with_head {
                text.look(look, line.trim_end());
            }
        }
        text
    }
}
