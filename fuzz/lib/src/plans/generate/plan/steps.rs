//! What the steps of a plan do: each operation of the format, with expressions from the builder.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::Maker;
use crate::plans::dice::Dice;
use crate::plans::draw;
use crate::plans::generate::{
    DEEPEST_EXPRESSION, EFFECTS, EVENTS, LATE, LOCALS, OPEN, OUTPUT, SCHEMAS, SHUT,
};
use crate::plans::types::{Ty, Types};

impl Maker<'_> {
    pub(super) fn operation(
        &mut self,
        index: usize,
        dice: &mut Dice<'_>,
        before: &BTreeSet<usize>,
    ) -> Json {
        let free = format!("x{index}");
        match dice.of(16) {
            0..=3 if index == self.last => self.end(dice),
            0..=3 => {
                let ty = draw::ty(dice, 1, SCHEMAS);
                let expr = self.builder.expr(dice, &ty, DEEPEST_EXPRESSION);
                self.var_types.insert(free.clone(), ty);
                json!({"op": "assign", "expr": expr, "bind": {"as": free}})
            }
            4 | 5 => {
                let (name, schema) = LOCALS[dice.of(LOCALS.len())];
                let expr = self.typed(dice, schema);
                json!({"op": "assign", "expr": expr, "bind": {"as": name}})
            }
            6 | 7 => self.emit(index, dice),
            8..=10 => self.await_receipt(free, index, dice, before),
            11 | 12 => self.await_event(free, dice),
            13 | 14 => {
                let schema = EVENTS[dice.of(EVENTS.len())];
                let value = self.typed(dice, schema);
                json!({"op": "raise_event", "event": Types::name(schema), "value": value})
            }
            _ => self.end(dice),
        }
    }

    /// An expression or a plain value of a schema.
    fn typed(&mut self, dice: &mut Dice<'_>, schema: usize) -> Json {
        match dice.of(4) {
            3 => {
                let value = self.types.value(&Ty::Ref(schema), dice);
                self.types.plain(&Ty::Ref(schema), &value, dice)
            }
            _ => self
                .builder
                .expr(dice, &Ty::Ref(schema), DEEPEST_EXPRESSION),
        }
    }

    fn end(&mut self, dice: &mut Dice<'_>) -> Json {
        let mut step = json!({"op": "end"});
        if self.output {
            step["result"] = self.typed(dice, OUTPUT);
        }
        step
    }

    fn emit(&mut self, index: usize, dice: &mut Dice<'_>) -> Json {
        let effect = dice.of(EFFECTS.len());
        let (kind, params, _) = EFFECTS[effect];
        let grant = [OPEN, OPEN, OPEN, OPEN, OPEN, OPEN, LATE, SHUT][dice.of(8)];
        let handle = format!("h{index}");
        let key = dice.of(4);
        let mut step = json!({"op": "emit_effect", "kind": kind, "cap": grant,
            "params": self.typed(dice, params), "bind": {"effect_id_as": handle}});
        if let 2 | 3 = key {
            let ty = [Ty::Text, Ty::Bytes][key - 2].clone();
            step["idempotency_key"] = self.builder.expr(dice, &ty, 1);
        }
        self.var_types.insert(handle.clone(), Ty::Hash);
        self.handles.push((index, handle, effect));
        step
    }

    /// Of an effect that was mostly sent before; without one, an effect.
    fn await_receipt(
        &mut self,
        var: String,
        index: usize,
        dice: &mut Dice<'_>,
        before: &BTreeSet<usize>,
    ) -> Json {
        let wild = self.builder.wild;
        let is_sent = |handle: &&(usize, String, usize)| wild || before.contains(&handle.0);
        let sent: Vec<_> = self.handles.iter().filter(is_sent).cloned().collect();
        let Some((step, handle, effect)) = dice.pick(&sent) else {
            return self.emit(index, dice);
        };
        let text = match dice.of(3) {
            2 => format!("@step:{}", self.made[*step].id),
            _ => format!("@var:{handle}"),
        };
        self.var_types
            .insert(var.clone(), Ty::Ref(EFFECTS[*effect].2));
        json!({"op": "await_receipt", "for": {"ref": text}, "bind": {"as": var}})
    }

    fn await_event(&mut self, var: String, dice: &mut Dice<'_>) -> Json {
        let schema = EVENTS[dice.of(EVENTS.len())];
        let mut step = json!({"op": "await_event", "event": Types::name(schema),
            "bind": {"as": var}});
        let conditional = dice.of(2) == 1;
        self.builder.know("@event", &Ty::Ref(schema));
        let key = json!({"ref": "@var:correlation_id"});
        let correlated = match schema {
            2 => json!({"op": "ne", "args": [key, {"null": {}}]}),
            _ => json!({"op": "eq", "args": [{"ref": "@event.id"}, key]}),
        };
        let condition = conditional.then(|| self.builder.expr(dice, &Ty::Bool, 2));
        match (self.correlated, condition) {
            (true, Some(condition)) => {
                step["where"] = json!({"op": "and", "args": [correlated, condition]});
            }
            (true, None) => step["where"] = correlated,
            (false, Some(condition)) => step["where"] = condition,
            (false, None) => {}
        }
        self.var_types.insert(var, Ty::Ref(schema));
        step
    }
}
