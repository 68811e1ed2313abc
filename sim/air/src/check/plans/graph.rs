//! The edges of a plan: known ends, none twice, no way round in a circle.

use std::collections::{BTreeMap, BTreeSet};

use crate::documents::RawPlan;
use crate::problems::list::Problems;
use crate::problems::problem::{At, Problem};
use crate::text::quote::quote;

/// What the edges say. Steps are numbered in order of their ids.
pub struct Graph {
    /// From, to, and the position of the edge in the document.
    pub edges: Vec<(usize, usize, usize)>,
    /// The steps, each after all of its predecessors.
    pub order: Vec<usize>,
}

/// The numbers of the steps. Reports an id that comes twice.
pub fn number<'p>(plan: &'p RawPlan, problems: &mut Problems) -> BTreeMap<&'p str, usize> {
    let mut ids = BTreeMap::new();
    for step in &plan.steps {
        if ids.insert(step.id.it.as_str(), 0).is_some() {
            let message = format!("a second step with the id {}", quote(&step.id.it));
            problems.push(Problem::new(step.id.place, message));
        }
    }
    ids.values_mut()
        .enumerate()
        .for_each(|(index, number)| *number = index);
    ids
}

pub fn check(
    plan: &RawPlan,
    ids: &BTreeMap<&str, usize>,
    problems: &mut Problems,
) -> Option<Graph> {
    let mut seen = BTreeSet::new();
    let mut edges = Vec::new();
    for (position, edge) in plan.edges.iter().enumerate() {
        let mut find = |id: &At<String>| {
            let found = ids.get(id.it.as_str()).copied();
            if found.is_none() {
                problems.push_unknown("step", id, ids.keys().copied());
            }
            found
        };
        let (from, to) = (find(&edge.from), find(&edge.to));
        let (Some(from), Some(to)) = (from, to) else {
            continue;
        };
        if seen.insert((from, to)) {
            edges.push((from, to, position));
        } else {
            let message = format!(
                "a second edge from {} to {}",
                quote(&edge.from.it),
                quote(&edge.to.it)
            );
            problems.push(Problem::new(edge.place, message));
        }
    }
    let mut next = vec![Vec::new(); ids.len()];
    let mut waiting = vec![0usize; ids.len()];
    for (from, to, _) in &edges {
        next[*from].push(*to);
        waiting[*to] += 1;
    }
    let mut order: Vec<usize> = (0..ids.len()).filter(|step| waiting[*step] == 0).collect();
    let mut at = 0;
    while let Some(step) = order.get(at).copied() {
        at += 1;
        for to in &next[step] {
            waiting[*to] -= 1;
            if waiting[*to] == 0 {
                order.push(*to);
            }
        }
    }
    if order.len() == ids.len() {
        return Some(Graph { edges, order });
    }
    let names: Vec<&str> = ids.keys().copied().collect();
    let cycle = cycle(&edges, &waiting);
    let place = plan.edges.iter().find(|edge| {
        let from = ids.get(edge.from.it.as_str());
        from == cycle.first() && ids.get(edge.to.it.as_str()) == cycle.get(1)
    });
    let path: Vec<&str> = cycle.iter().map(|step| names[*step]).collect();
    let message = format!("the edges form a cycle: {}", path.join(" -> "));
    problems.push(Problem::new(
        place.map_or(plan.input.place, |edge| edge.place),
        message,
    ));
    None
}

/// A cycle, from its least step back to it. Whatever still waits has a predecessor that waits.
fn cycle(edges: &[(usize, usize, usize)], waiting: &[usize]) -> Vec<usize> {
    let before = |step: usize| {
        let into = edges
            .iter()
            .filter(|(from, to, _)| *to == step && waiting[*from] > 0);
        into.map(|(from, _, _)| *from).next()
    };
    let Some(start) = waiting.iter().position(|count| *count > 0) else {
        return Vec::new();
    };
    let mut path = vec![start];
    let mut current = start;
    while let Some(step) = before(current) {
        if let Some(from) = path.iter().position(|seen| *seen == step) {
            let mut cycle = path.split_off(from);
            cycle.reverse();
            let least = cycle.iter().enumerate().min_by_key(|(_, step)| **step);
            let least = least.map_or(0, |(index, _)| index);
            cycle.rotate_left(least);
            cycle.push(cycle[0]);
            return cycle;
        }
        path.push(step);
        current = step;
    }
    path
}
