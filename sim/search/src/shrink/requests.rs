//! Fewer requests: those that nothing needs left out, two made one, and the rest named anew.

use std::borrow::Cow;

use super::{Context, Identity, Search, values};
use sim_air::SchemaId;
use sim_record::scenario::{Decision, Request, Scenario};

impl Search<'_> {
    pub(super) fn delete_requests(&mut self) {
        let mut index = 0;
        while index < self.best.requests.len() {
            if !(self.delete_request(index) || self.merge_request(index)) {
                index += 1;
            }
        }
        self.rename_requests();
    }

    /// What starts it is not possible then, and falls away.
    fn delete_request(&mut self, index: usize) -> bool {
        let mut candidate = self.best.clone();
        candidate.requests.remove(index);
        self.attempt(&candidate)
    }

    /// Another request stands for it: is started instead of it, and is whose its events are.
    fn merge_request(&mut self, index: usize) -> bool {
        (0..self.best.requests.len())
            .filter(|&into| into != index)
            .any(|into| {
                let requests = &self.best.requests;
                let (from, to) = (
                    self.context.identity(&requests[index]),
                    self.context.identity(&requests[into]),
                );
                let mut candidate = self.best.clone();
                candidate.requests.remove(index);
                self.context.rename(&mut candidate, &from, &to);
                self.attempt(&candidate)
            })
    }

    /// The names of the first requests, so that the same schedule looks the same whichever of
    /// the requests it was found with, and whether or not its id was empty.
    fn rename_requests(&mut self) {
        for index in 0..self.best.requests.len() {
            let name = self.best.requests[index].name.clone();
            let own = Identity {
                correlation: Some(name.clone()),
                name,
            };
            let first = self.context.identities.clone();
            first
                .into_iter()
                .chain([own])
                .any(|to| self.rename_request(index, &to));
        }
    }

    fn rename_request(&mut self, index: usize, to: &Identity) -> bool {
        let request = &self.best.requests[index];
        let from = self.context.identity(request);
        let mut others = self
            .best
            .requests
            .iter()
            .filter(|other| other.name != from.name);
        if from == *to || others.any(|other| other.name == to.name) {
            return false;
        }
        let Some(renamed) = self.context.renamed(request, &from, to) else {
            return false;
        };
        let mut candidate = self.best.clone();
        candidate.requests[index] = renamed;
        self.context.rename(&mut candidate, &from, to);
        self.attempt(&candidate)
    }
}

impl Context<'_> {
    pub(super) fn identity(&self, request: &Request) -> Identity {
        let correlation = self
            .subject
            .model
            .correlation(request.schema, &request.value);
        Identity {
            name: request.name.clone(),
            correlation: correlation.map(Cow::into_owned),
        }
    }

    /// The request under another name, its id in the value included.
    pub(super) fn renamed(
        &self,
        request: &Request,
        from: &Identity,
        to: &Identity,
    ) -> Option<Request> {
        // A name that says what a request is stays with such requests.
        if stem(&request.name) != stem(&to.name) {
            return None;
        }
        let value = self.with_correlation(request.schema, &request.value, from, to)?;
        let found = self.subject.model.correlation(request.schema, &value);
        (found.as_deref() == to.correlation.as_deref()).then(|| Request {
            name: to.name.clone(),
            value,
            ..request.clone()
        })
    }

    /// The schedule as if `from` had been `to` all along.
    pub(super) fn rename(&self, scenario: &mut Scenario, from: &Identity, to: &Identity) {
        for decision in &mut scenario.schedule {
            match decision.without_crash_mut() {
                Decision::Start { request } if *request == from.name => {
                    request.clone_from(&to.name);
                }
                Decision::Inject { schema, value, .. } => {
                    if let Some(renamed) = self.with_correlation(*schema, value, from, to) {
                        *value = renamed;
                    }
                }
                _ => {}
            }
            if let Some(item) = decision.item_mut()
                && item.correlation.is_some()
                && item.correlation == from.correlation
            {
                item.correlation.clone_from(&to.correlation);
            }
        }
    }

    /// A value in which every text that is one request's id is another's. Many a text that is
    /// no id is empty: of those only the one that says whose the event is.
    pub(super) fn with_correlation(
        &self,
        schema: SchemaId,
        bytes: &[u8],
        from: &Identity,
        to: &Identity,
    ) -> Option<Vec<u8>> {
        let (Some(from), Some(to)) = (&from.correlation, &to.correlation) else {
            return Some(bytes.to_vec());
        };
        let schemas = &self.subject.air.schemas;
        let value = schemas.decode(schema, bytes).ok()?;
        let replaced = |place| {
            let mut value = value.clone();
            let count = values::replace_text(&mut value, from, to, &mut { place });
            (count > 0).then(|| schemas.encode(schema, &value).ok())?
        };
        if !from.is_empty() {
            return replaced(None).or_else(|| Some(bytes.to_vec()));
        }
        let model = self.subject.model;
        let is_to = |bytes: &Vec<u8>| model.correlation(schema, bytes).as_deref() == Some(to);
        let places = (0..).map_while(|place| replaced(Some(place)));
        places.into_iter().find(is_to)
    }
}

/// A name without its number.
fn stem(name: &str) -> &str {
    name.trim_end_matches(|last: char| last.is_ascii_digit())
}
