//! Makes expressions, over what is known where they stand.
//!
//! An expression is made for a type, and of that type by the generator's own reckoning, unless
//! the world is a wild one: then something odd takes its place now and then. Whether anything odd
//! was made is kept: what is not odd must be accepted, and cannot be of the wrong type.

mod odd;
mod operations;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};

use super::dice::Dice;
use super::draw::{DECIMALS, TEXTS, UUIDS, bytes, hash, int, nat, number_json};
use super::evaluate;
use super::types::{Ty, Types};
use operations::{list_of, map_of};

/// Something that expressions may refer to.
#[derive(Clone)]
pub struct Known {
    pub text: String,
    pub ty: Ty,
}

/// Makes expressions over a scope.
pub struct Builder<'w> {
    pub types: &'w Types,
    /// What has a value wherever the expression stands.
    pub known: Vec<Known>,
    /// Names that are declared, and may have no value there.
    pub unsure: Vec<String>,
    /// Whether odd things are made.
    pub wild: bool,
    /// Whether any was.
    pub odd: bool,
}

impl Builder<'_> {
    /// Adds a name and all that can be reached from it without passing an option.
    pub fn know(&mut self, text: &str, ty: &Ty) {
        const DEEPEST: usize = 4;
        self.reach(text, ty, DEEPEST);
    }

    fn reach(&mut self, text: &str, ty: &Ty, depth: usize) {
        let resolved = self.types.resolve(ty).clone();
        self.known.push(Known {
            text: text.to_owned(),
            ty: resolved.clone(),
        });
        let Some(depth) = depth.checked_sub(1) else {
            return;
        };
        match resolved {
            Ty::Record(fields) => {
                for (name, ty) in &fields {
                    // The name `l0.a` is a variable of its own.
                    if !(text == "@var:l0" && *name == "a") {
                        self.reach(&format!("{text}.{name}"), ty, depth);
                    }
                }
            }
            Ty::Variant(_) => self.reach(&format!("{text}.$tag"), &Ty::Text, depth),
            _ => {}
        }
    }

    /// An expression of the type, its records complete: what is made has every field.
    pub fn expr(&mut self, dice: &mut Dice<'_>, ty: &Ty, depth: usize) -> Json {
        let ty = self.types.resolve(ty).clone();
        if self.wild && dice.one_in(12) {
            self.odd = true;
            return self.something_odd(dice, &ty, depth);
        }
        let made = self.sound(dice, &ty, depth);
        if !evaluate::fails_alone(&made) {
            return made;
        }
        // What fails whatever there is may be refused, and would end most plans.
        if dice.one_in(8) {
            self.odd = true;
            return made;
        }
        self.plainest(&ty)
    }

    fn sound(&mut self, dice: &mut Dice<'_>, ty: &Ty, depth: usize) -> Json {
        match (dice.of(9), depth.checked_sub(1)) {
            (0 | 1, _) | (6.., None) => self.built(dice, ty, depth),
            (6 | 7, Some(depth)) => self
                .operation(dice, ty, depth)
                .unwrap_or_else(|| self.taken(dice, ty, depth)),
            (8, Some(depth)) => self.taken(dice, ty, depth),
            _ => match self.reference(dice, ty) {
                Some(text) => json!({ "ref": text }),
                None => self.built(dice, ty, depth),
            },
        }
    }

    /// A constant or a builder of constants, without choices.
    fn plainest(&mut self, ty: &Ty) -> Json {
        self.built(&mut Dice::new(&[]), ty, 0)
    }

    fn reference(&self, dice: &mut Dice<'_>, ty: &Ty) -> Option<String> {
        let fits = |known: &&Known| match ty {
            Ty::Option(inner) => {
                self.types.same(&known.ty, inner) || self.types.same(&known.ty, ty)
            }
            Ty::Text => matches!(known.ty, Ty::Text | Ty::Hash | Ty::Uuid | Ty::Dec),
            ty => self.types.same(&known.ty, ty),
        };
        let fitting: Vec<&Known> = self.known.iter().filter(fits).collect();
        dice.pick(&fitting).map(|known| known.text.clone())
    }

    /// A constant or a builder.
    fn built(&mut self, dice: &mut Dice<'_>, ty: &Ty, depth: usize) -> Json {
        let depth = depth.saturating_sub(1);
        match ty {
            Ty::Nat => json!({"nat": number_json(nat(dice), dice)}),
            Ty::Time => json!({"time_ns": number_json(nat(dice), dice)}),
            Ty::Int => json!({"int": number_json(int(dice), dice)}),
            Ty::Duration => json!({"duration_ns": number_json(int(dice), dice)}),
            Ty::Bool => json!({"bool": dice.of(2) == 0}),
            Ty::Dec => json!({"dec128": DECIMALS[dice.of(DECIMALS.len())]}),
            Ty::Bytes => json!({"bytes_b64": STANDARD.encode(bytes(dice))}),
            Ty::Text => json!({"text": TEXTS[dice.of(TEXTS.len())]}),
            Ty::Hash => json!({"hash": hash(dice)}),
            Ty::Uuid => json!({"uuid": UUIDS[dice.of(UUIDS.len())]}),
            Ty::Unit => json!({"null": {}}),
            Ty::Record(fields) => {
                let field =
                    |(name, ty): &(&str, Ty)| ((*name).to_owned(), self.expr(dice, ty, depth));
                json!({"record": Json::Object(fields.iter().map(field).collect())})
            }
            Ty::Variant(arms) => {
                let (tag, ty) = &arms[dice.of(arms.len())];
                let empty = matches!(self.types.resolve(ty), Ty::Unit | Ty::Option(_));
                match empty && dice.of(2) == 0 {
                    true => json!({"variant": {"tag": tag}}),
                    false => json!({"variant": {"tag": tag, "value": self.expr(dice, ty, depth)}}),
                }
            }
            Ty::List(item) => json!({"list": self.items(dice, item, depth)}),
            Ty::Set(item) => json!({"set": self.items(dice, item, depth)}),
            Ty::Map(key, value) => {
                let count = dice.of(3);
                let entry = |_| {
                    let key = self.expr(dice, key, depth);
                    json!({"key": key, "value": self.expr(dice, value, depth)})
                };
                json!({"map": (0..count).map(entry).collect::<Vec<_>>()})
            }
            Ty::Option(inner) => match dice.of(3) {
                0 => json!({"null": {}}),
                _ => self.expr(dice, inner, depth),
            },
            Ty::Ref(_) => Json::Null,
        }
    }

    fn items(&mut self, dice: &mut Dice<'_>, item: &Ty, depth: usize) -> Vec<Json> {
        let count = dice.of(4);
        (0..count).map(|_| self.expr(dice, item, depth)).collect()
    }

    /// An item of a list, or an entry of a map; mostly it is there.
    fn taken(&mut self, dice: &mut Dice<'_>, ty: &Ty, depth: usize) -> Json {
        let key = TEXTS[1 + dice.of(2)];
        let (whole, key) = match dice.of(6) {
            0 | 1 => {
                let items = [self.expr(dice, ty, depth), self.expr(dice, ty, depth)];
                (json!({ "list": items }), json!({"nat": dice.of(3)}))
            }
            2 | 3 => {
                let value = self.expr(dice, ty, depth);
                let entry = json!({"key": {"text": key}, "value": value});
                (json!({"map": [entry]}), json!({ "text": key }))
            }
            4 => {
                let whole = self.expr(dice, &list_of(ty.clone()), depth);
                (whole, json!({"nat": dice.of(2)}))
            }
            _ => {
                let whole = self.expr(dice, &map_of(ty.clone()), depth);
                (whole, json!({ "text": key }))
            }
        };
        json!({"op": "get", "args": [whole, key]})
    }
}
