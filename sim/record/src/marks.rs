//! Which fields of a scenario do not matter to its failure. It is said beside the scenario: no run
//! depends on it.

use std::collections::BTreeMap;

/// Places in the values of a scenario, as JSON pointers into their plain spelling: the scenario
/// fails in the same way with other values there, one place at a time.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Marks {
    /// In the value of a request, by its place in the scenario.
    pub requests: BTreeMap<usize, Vec<String>>,
    /// In the value that a decision brings, by its place in the schedule.
    pub schedule: BTreeMap<usize, Vec<String>>,
}

impl Marks {
    /// As JSON pointers into a case file: `/requests/0/value/start/payload`.
    pub fn pointers(&self) -> Vec<String> {
        let requests = self.requests.iter().map(|marked| ("requests", marked));
        let schedule = self.schedule.iter().map(|marked| ("schedule", marked));
        let all = requests.chain(schedule);
        all.flat_map(|(list, (index, places))| {
            let places = places.iter();
            places.map(move |place| format!("/{list}/{index}/value{place}"))
        })
        .collect()
    }
}
