//! Which functions and blocks of a reducer were reached.

use super::table::Table;
use crate::reducer::{Coverage, Sites};

/// A line for each function, in order of its index, and the sums.
pub fn functions(sites: &Sites, coverage: &Coverage) -> String {
    let mut reached = vec![0usize; sites.functions.len()];
    let mut blocks = reached.clone();
    for (index, block) in sites.blocks.iter().enumerate() {
        let function = block.function as usize;
        blocks[function] += 1;
        reached[function] += usize::from(is_reached(coverage, index));
    }
    let mut table = Table::new(["reached", "blocks", "function"]);
    for (name, (reached, blocks)) in sites.functions.iter().zip(reached.iter().zip(&blocks)) {
        table.row([reached.to_string(), blocks.to_string(), name.clone()]);
    }
    let entered = reached.iter().filter(|reached| **reached > 0).count();
    format!(
        "{}{} of {} functions, {} of {} blocks reached\n",
        table.to_text(),
        entered,
        sites.functions.len(),
        reached.iter().sum::<usize>(),
        sites.blocks.len()
    )
}

/// A line for each block that was not reached, in order of the code. Offsets are those of the file.
pub fn missed(sites: &Sites, coverage: &Coverage) -> String {
    let mut table = Table::new(["offset", "block", "function"]);
    for (index, block) in sites.blocks.iter().enumerate() {
        if !is_reached(coverage, index) {
            table.row([
                format!("{:#x}", block.offset),
                block.kind.name().to_owned(),
                sites.functions[block.function as usize].clone(),
            ]);
        }
    }
    format!("never reached\n{}", table.to_text())
}

fn is_reached(coverage: &Coverage, block: usize) -> bool {
    coverage.blocks.get(block).is_some_and(|count| *count > 0)
}
