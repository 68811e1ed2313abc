//! How large a value may become, kept while it is made. Knows only how much its parts need at
//! least.

use sim_air::{Arm, Field, MOST_NODES, RecordType, Schemas, Type, Value, VariantType};

/// So many bytes of a text or of bytes count as much as a node.
const NODE_BYTES: usize = 32;

/// What may still be put into a value, in nodes, beside what is kept for parts that must come.
pub(super) struct Budget(u32);

impl Budget {
    /// For a value of the type; None if it has none that small.
    pub fn of(schemas: &Schemas, ty: &Type) -> Option<Budget> {
        (schemas.least_nodes(ty) <= MOST_NODES).then_some(Budget(MOST_NODES))
    }

    pub fn has(&self, nodes: u32) -> bool {
        nodes <= self.0
    }

    pub fn spend(&mut self, nodes: u32) {
        self.0 = self.0.saturating_sub(nodes);
    }

    /// Does something that must leave so much.
    pub fn keeping<T>(&mut self, kept: u32, work: impl FnOnce(&mut Budget) -> T) -> T {
        let mut rest = Budget(self.0.saturating_sub(kept));
        let done = work(&mut rest);
        self.0 = rest.0.saturating_add(kept.min(self.0));
        done
    }

    /// The text, or an empty one if there is no room for it.
    pub fn text(&mut self, text: String) -> String {
        match self.pays(text.len()) {
            true => text,
            false => String::new(),
        }
    }

    pub fn bytes(&mut self, bytes: Vec<u8>) -> Vec<u8> {
        match self.pays(bytes.len()) {
            true => bytes,
            false => Vec::new(),
        }
    }

    fn pays(&mut self, length_bytes: usize) -> bool {
        let nodes = u32::try_from(length_bytes / NODE_BYTES).unwrap_or(u32::MAX);
        let has = self.has(nodes);
        if has {
            self.spend(nodes);
        }
        has
    }

    /// Fields of a record, each with what the others need kept for them.
    pub fn record(
        &mut self,
        schemas: &Schemas,
        record: &RecordType,
        mut field: impl FnMut(&Field, &mut Budget) -> Value,
    ) -> Value {
        let needs = record.fields().iter().map(|it| schemas.least_nodes(&it.ty));
        let mut kept = needs.fold(0, u32::saturating_add);
        let mut fields = Vec::with_capacity(record.fields().len());
        for of in record.fields() {
            kept = kept.saturating_sub(schemas.least_nodes(&of.ty));
            let value = self.keeping(kept, |budget| field(of, budget));
            fields.push((of.name.as_str(), value));
        }
        Value::record(fields)
    }

    /// This arm if there is room for it, else the smallest.
    pub fn arm<'a>(&self, schemas: &Schemas, wanted: &'a Arm, variant: &'a VariantType) -> &'a Arm {
        let least = |arm: &&Arm| schemas.least_nodes(&arm.ty);
        match self.has(least(&wanted)) {
            true => wanted,
            false => variant.arms().iter().min_by_key(least).unwrap_or(wanted),
        }
    }
}
