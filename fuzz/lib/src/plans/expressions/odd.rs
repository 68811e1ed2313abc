//! Odd things in the place of an expression, which only wild worlds have.

use serde_json::{Value as Json, json};

use super::{Builder, Known};
use crate::plans::dice::Dice;
use crate::plans::forms::OPERATORS;
use crate::plans::types::Ty;

impl Builder<'_> {
    /// Something that is not an expression of the type: of another type, seen at load or only
    /// when it runs; a name without a value; no expression at all.
    pub(super) fn something_odd(&mut self, dice: &mut Dice<'_>, ty: &Ty, depth: usize) -> Json {
        let depth = depth.saturating_sub(1);
        let known = dice.pick(&self.known).map(|known| known.text.clone());
        let known = known.unwrap_or_else(|| "@plan.input".to_owned());
        match dice.of(20) {
            // Hidden from the static types, so that it is found out when it runs.
            0..=6 => {
                let other = self.some_type(dice);
                let item = self.expr(dice, &other, depth);
                hidden(item)
            }
            7 | 8 => hidden(json!({ "ref": known })),
            9..=12 => match dice.pick(&self.unsure) {
                Some(name) => json!({ "ref": name }),
                None => json!({ "ref": known }),
            },
            13 => json!({"ref": format!("{known}.$value")}),
            14 => {
                let path = ["nope", "$tag.a", "$value.a", "a", ""][dice.of(5)];
                json!({"ref": format!("{known}.{path}")})
            }
            15 => {
                let optional = |known: &&Known| match &known.ty {
                    Ty::Option(inner) => self.types.same(inner, ty),
                    _ => false,
                };
                match self.known.iter().find(optional) {
                    Some(known) => json!({"ref": known.text}),
                    None => json!({"null": {}}),
                }
            }
            16 => {
                let (op, _, _) = OPERATORS[dice.of(OPERATORS.len())];
                let count = dice.of(4);
                let args: Vec<Ty> = (0..count).map(|_| self.some_type(dice)).collect();
                self.call(dice, op, &args, depth)
            }
            17 => {
                let other = self.some_type(dice);
                self.expr(dice, &other, depth)
            }
            18 => json!({"null": {}}),
            _ => [
                json!({"nat": -1}),
                json!({"ref": "@var:nobody"}),
                json!({"op": "neg", "args": [{"int": 1}]}),
                json!({"bytes_b64": "?"}),
                json!({"ref": "plan.input"}),
            ][dice.of(5)]
            .clone(),
        }
    }
}

/// The item, so that its type is not known before it runs: that of an empty list is not.
fn hidden(item: Json) -> Json {
    json!({"op": "get", "args": [{"list": [item, {"list": []}]}, {"nat": 0}]})
}
