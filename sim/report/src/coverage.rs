//! Which functions and blocks of a reducer were reached.

use super::table::Table;
use super::text::{Look, Text};
use sim_host::{Coverage, Sites};

/// A line for each function, in order of its index, and the sums.
pub fn functions(sites: &Sites, coverage: &Coverage) -> Text {
    let mut reached = vec![0usize; sites.functions.len()];
    let mut blocks = reached.clone();
    for (index, block) in sites.blocks.iter().enumerate() {
        let function = block.function as usize;
        blocks[function] += 1;
        reached[function] += usize::from(is_reached(coverage, index));
    }
    let mut table = Table::new(["reached", "blocks", "function"]).align_right(&[0, 1]);
    for (name, (reached, blocks)) in sites.functions.iter().zip(reached.iter().zip(&blocks)) {
        let cells = [reached.to_string(), blocks.to_string(), name.clone()];
        table.row(Look::Plain, cells);
    }
    let entered = reached.iter().filter(|reached| **reached > 0).count();
    let mut text = table.text();
    text.line(format!(
        "{} of {} functions, {} of {} blocks reached",
        entered,
        sites.functions.len(),
        reached.iter().sum::<usize>(),
        sites.blocks.len()
    ));
    text
}

/// A line for each block that was not reached, in order of the code. Offsets are those of the file.
pub fn missed(sites: &Sites, coverage: &Coverage) -> Text {
    let mut table = Table::new(["offset", "block", "function"]);
    for (index, block) in sites.blocks.iter().enumerate() {
        if !is_reached(coverage, index) {
            let cells = [
                format!("{:#x}", block.offset),
                block.kind.name().to_owned(),
                sites.functions[block.function as usize].clone(),
            ];
            table.row(Look::Plain, cells);
        }
    }
    let mut text = Text::default();
    text.look(Look::Head, "never reached");
    text.append(table.text());
    text
}

fn is_reached(coverage: &Coverage, block: usize) -> bool {
    coverage.blocks.get(block).is_some_and(|count| *count > 0)
}
