//! What is watched for, in groups: the counters and properties of one kind of moment.

use crate::condition::Condition;
use crate::correlation::Correlation;
use crate::moments::Moment;
use crate::properties::RuleKind;
use crate::rules::Rules;
use sim_air::ReducerId;
use sim_model::Looks;

/// What is watched for, in its groups.
#[derive(Debug)]
pub(crate) struct Watched {
    pub rules: Rules,
    pub correlation: Correlation,
    pub groups: Vec<Group>,
    /// By reducer: the place of its group.
    of_steps: Vec<Option<usize>>,
    of_moment: [Option<usize>; 4],
    /// Whether some condition asks for cells.
    pub needs_cells: bool,
}

/// The counters and properties of one kind of moment.
#[derive(Debug, Default)]
pub(crate) struct Group {
    pub counters: Vec<usize>,
    pub rules: Vec<usize>,
    /// The variables that some condition reads.
    reads: Vec<String>,
    /// Whether something is asked about whose the moment is.
    pub needs_who: bool,
    /// Whether something is absorbing.
    pub needs_view_before: bool,
}

impl Watched {
    pub fn new(rules: Rules, correlation: Correlation, reducers: usize) -> Watched {
        let mut watched = Watched {
            groups: Vec::new(),
            of_steps: vec![None; reducers],
            of_moment: [None; 4],
            needs_cells: false,
            correlation,
            rules: Rules::default(),
        };
        for (index, counter) in rules.counters.iter().enumerate() {
            let group = watched.group(counter.moment, counter.of);
            group.counters.push(index);
            group.needs_who = true;
            group.add(counter.conditions());
        }
        for (index, rule) in rules.rules.iter().enumerate() {
            if rule.kind != RuleKind::Eventually {
                let group = watched.group(rule.moment, rule.of);
                group.rules.push(index);
                group.needs_who |= rule.sees.who || !rule.reads.counters.is_empty();
                group.needs_view_before |= rule.kind == RuleKind::Absorbing;
                group.add(rule.conditions());
            }
        }
        watched.needs_cells = needs_cells(&rules);
        watched.rules = rules;
        watched
    }

    fn group(&mut self, moment: Moment, of: Option<ReducerId>) -> &mut Group {
        let slot = match moment {
            Moment::Receipt => &mut self.of_moment[0],
            Moment::Sent => &mut self.of_moment[1],
            Moment::Effect => &mut self.of_moment[2],
            Moment::Turn => &mut self.of_moment[3],
            Moment::Step => &mut self.of_steps[of.map_or(0, ReducerId::index)],
        };
        let place = *slot.get_or_insert_with(|| {
            self.groups.push(Group::default());
            self.groups.len() - 1
        });
        &mut self.groups[place]
    }

    /// What it looks at beside steps. What holds or does not at the end of a turn holds or does not
    /// after one in which nothing happened; what counts turns looks at each.
    pub fn looks(&self) -> Looks {
        let is_told = |group: &Group| {
            let mut rules = group
                .rules
                .iter()
                .map(|place| &self.rules.rules[*place].kind);
            let is_plain = |kind: &RuleKind| {
                matches!(
                    kind,
                    RuleKind::Always | RuleKind::Never | RuleKind::Sometimes
                )
            };
            group.counters.is_empty() && rules.all(is_plain)
        };
        let of = |moment| self.group_of(moment, None).map(|place| &self.groups[place]);
        Looks {
            idle_turns: of(Moment::Turn).is_some_and(|group| !is_told(group)),
            raised: of(Moment::Sent).is_some(),
            effects: of(Moment::Effect).is_some(),
            receipts: of(Moment::Receipt).is_some(),
        }
    }

    /// The place of the group of a kind of moment; of a step, that of its reducer.
    pub fn group_of(&self, moment: Moment, of: Option<ReducerId>) -> Option<usize> {
        match moment {
            Moment::Receipt => self.of_moment[0],
            Moment::Sent => self.of_moment[1],
            Moment::Effect => self.of_moment[2],
            Moment::Turn => self.of_moment[3],
            Moment::Step => self.of_steps[of?.index()],
        }
    }
}

fn needs_cells(rules: &Rules) -> bool {
    let counters = rules.counters.iter().map(|counter| &counter.reads);
    let mut all = counters.chain(rules.rules.iter().map(|rule| &rule.reads));
    let mut kinds = rules.rules.iter().map(|rule| rule.kind);
    all.any(|reads| reads.cells || reads.world) || kinds.any(|kind| kind == RuleKind::Eventually)
}

impl Group {
    fn add<'c>(&mut self, conditions: impl Iterator<Item = &'c Condition>) {
        for name in conditions.flat_map(|it| &it.reads) {
            if !self.reads.contains(name) {
                self.reads.push(name.clone());
            }
        }
    }

    pub fn reads(&self, name: &str) -> bool {
        self.reads.iter().any(|known| known == name)
    }
}
