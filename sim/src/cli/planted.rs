//! What came of the planted bugs: a line for each, and each invariant that found it.

use crate::selftest::Searched;
use sim_report::table::Table;
use sim_report::text::{Look, Text};

pub fn planted(results: &[Searched]) -> Text {
    let head = ["bug", "seeds", "invariant", "starts", "shortest", "shrunk"];
    let mut table = Table::new(head).align_right(&[1, 3, 4]);
    for result in results {
        let median = result.median();
        let mut bug = result.name.clone();
        let mut seeds = median.map_or("missed".to_owned(), |seeds| seeds.to_string());
        if result.found.is_empty() {
            let [invariant, starts, shortest, shrunk] = ["", "", "", ""].map(str::to_owned);
            let cells = [bug, seeds, invariant, starts, shortest, shrunk];
            table.row(Look::Bad, cells);
            continue;
        }
        for found in &result.found {
            let shrunk = match (found.shrunk.first(), found.shrunk.last()) {
                (Some(first), Some(last)) if first == last => first.to_string(),
                (Some(first), Some(last)) => format!("{first} to {last}"),
                _ => "-".to_owned(),
            };
            let shortest = found
                .explored
                .map_or("-".to_owned(), |depth| depth.to_string());
            let cells = [
                std::mem::take(&mut bug),
                std::mem::take(&mut seeds),
                found.property.clone(),
                found.starts.to_string(),
                shortest,
                shrunk,
            ];
            table.row(Look::Plain, cells);
        }
    }
    table.text()
}
