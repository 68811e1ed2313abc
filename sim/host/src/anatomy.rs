//! What is known of a module beside its code: made from the binary when a guest has stopped and
//! somebody wants to know where and why, never before.
//!
//! The binary was validated before. What can't be read all the same is left out.

use wasmparser::{ElementItems, ElementKind, Operator, Parser, Payload};

use super::lines::Debug;
use super::names::FunctionNames;

/// The most elements of a table that are kept.
const ELEMENTS_MAX: usize = 1 << 16;

pub(super) struct Anatomy {
    pub names: FunctionNames,
    pub debug: Debug,
    /// The functions of table 0 as it begins, by index; what may be somewhere else is left out.
    elements: Vec<Option<u32>>,
    /// The binary holds the name of a file of Rust's.
    pub is_of_rust: bool,
}

impl Anatomy {
    pub fn of(wasm: &[u8]) -> Anatomy {
        let mut anatomy = Anatomy {
            names: FunctionNames::default(),
            debug: Debug::default(),
            elements: Vec::new(),
            is_of_rust: memchr::memmem::find(wasm, b".rs").is_some(),
        };
        for payload in Parser::new(0).parse_all(wasm) {
            match payload {
                Ok(Payload::ExportSection(exports)) => {
                    let exports = exports.into_iter().flatten();
                    exports.for_each(|export| anatomy.names.exported(&export));
                }
                Ok(Payload::ElementSection(elements)) => {
                    let elements = elements.into_iter().flatten();
                    elements.for_each(|element| anatomy.take_element(&element));
                }
                Ok(Payload::CodeSectionStart { range, .. }) => anatomy.debug.code(range.start),
                Ok(Payload::CustomSection(section)) => {
                    anatomy.names.section(&section);
                    anatomy.debug.section(&section);
                }
                Ok(_) => {}
                Err(_) => break,
            }
        }
        anatomy
    }

    fn take_element(&mut self, element: &wasmparser::Element<'_>) {
        let ElementKind::Active {
            table_index: None | Some(0),
            offset_expr,
        } = &element.kind
        else {
            return;
        };
        let (Ok(Operator::I32Const { value }), ElementItems::Functions(functions)) =
            (offset_expr.get_operators_reader().read(), &element.items)
        else {
            return;
        };
        let places = usize::try_from(value).unwrap_or(usize::MAX)..ELEMENTS_MAX;
        for (place, function) in places.zip(functions.clone().into_iter().flatten()) {
            if self.elements.len() <= place {
                self.elements.resize(place + 1, None);
            }
            self.elements[place] = Some(function);
        }
    }

    /// The name of the function that a function pointer leads to, if it has one.
    pub fn pointee(&self, pointer: u32) -> Option<String> {
        let function = (*self.elements.get(pointer as usize)?)?;
        let is_known = self.names.knows(function);
        is_known.then(|| self.names.full(function))
    }
}
