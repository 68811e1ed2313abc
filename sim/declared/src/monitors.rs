//! Monitors: properties that are reducers themselves. Each sees every turn of a run as an event,
//! keeps a state of its own, and says by the events that it gives out what it found.
//!
//! What goes in is a `sim/Moment@1`, written in [`moment`]; what comes out are `sim/Verdict@1`s,
//! read in [`verdict`]. `docs/monitors.md` is the reference of both.

mod moment;
mod verdict;
mod watch;

use toml::Spanned;

use crate::file::File;
use crate::trouble::Troubles;
use crate::written::MonitorFile;
use sim_host::Code;
use sim_kernel::World;
use sim_model::{Asked, KnownBy, Property, SEEDS_FOR_ARMS, SEEDS_FOR_SOMETIMES, Watch};
use watch::Monitoring;

/// The most that one monitor may tell of being reached.
const MOST_REACHED: usize = 64;

/// A property that is a reducer.
#[derive(Clone, Debug)]
pub(crate) struct Monitor {
    pub name: String,
    says: String,
    /// What it tells of when it is reached.
    reaches: Vec<String>,
    /// Of which campaigns it is asked that it judged something, and that all was reached.
    asked: [Asked; 2],
}

impl Monitor {
    /// Reads the monitors of a file, in its order.
    pub fn read_all<'a>(file: &'a File, troubles: &mut Troubles<'a>) -> Vec<Monitor> {
        let root = &file.root;
        let seeds = root.campaign.seeds.unwrap_or(u64::MAX);
        let asked = [SEEDS_FOR_ARMS, SEEDS_FOR_SOMETIMES];
        let asked = asked.map(|least| Asked::From(seeds.min(least)));
        let mut given: Vec<_> = root.monitors.iter().collect();
        given.sort_by_key(|(_, monitor)| monitor.span().start);
        let mut monitors = Vec::new();
        for (name, monitor) in given {
            check_reached(name, monitor, troubles);
            let monitor = monitor.get_ref();
            let says = || format!("the monitor {name} finds nothing wrong");
            monitors.push(Monitor {
                name: name.clone(),
                says: monitor.says.clone().unwrap_or_else(says),
                reaches: monitor
                    .reaches
                    .iter()
                    .map(|it| it.get_ref().clone())
                    .collect(),
                asked,
            });
        }
        monitors
    }

    /// The properties that it answers for: that nothing is wrong, that it judged something, and
    /// one for each that it tells of, in this order.
    fn properties(&self) -> Vec<Property> {
        let name = &self.name;
        let must_hold = Property::declared(name.clone(), self.says.clone());
        let says = format!("{name} had something to say");
        let judged = Property::sometimes(format!("{name} judged"), says, self.asked[0]);
        let reached = self.reaches.iter().map(|what| {
            let says = format!("{name} tells that it was reached");
            Property::sometimes(format!("{name}: {what}"), says, self.asked[1])
        });
        [must_hold.known_by(KnownBy::Expected), judged]
            .into_iter()
            .chain(reached)
            .map(Property::of_model)
            .collect()
    }

    fn code<'w>(&self, world: &'w World) -> Option<&'w Code> {
        let mut codes = world.monitors.iter();
        let found = codes.find(|(name, _)| *name == self.name);
        found.map(|(_, code)| code)
    }

    /// Whether a world has its code.
    pub fn has_code(&self, world: &World) -> bool {
        self.code(world).is_some()
    }

    /// Watches the runs of a world, if that has its code.
    pub fn watch<'w>(&self, world: &'w World) -> Option<Watch<'w>> {
        let code = self.code(world)?;
        let watching = Monitoring::new(world, code, self.reaches.clone());
        Some(Watch::new(self.properties(), watching))
    }
}

fn check_reached<'a>(name: &str, monitor: &'a Spanned<MonitorFile>, troubles: &mut Troubles<'a>) {
    let reaches = &monitor.get_ref().reaches;
    if reaches.len() > MOST_REACHED {
        let what = format!("`{name}` tells of {} things", reaches.len());
        let trouble = troubles.add(monitor.span().start, what);
        trouble.expected(format!("{MOST_REACHED} at most"));
    }
    for (index, what) in reaches.iter().enumerate() {
        if reaches[..index]
            .iter()
            .any(|it| it.get_ref() == what.get_ref())
        {
            let what = format!("`{}` is there twice", what.get_ref());
            troubles.add(reaches[index].span().start, what);
        }
    }
}
