//! Indices into the lists of a world.

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub struct $name(u32);

        impl $name {
            /// The id at a place of its list. What a world defines has a line of its documents,
            /// whose size is bounded.
            pub fn new(index: usize) -> $name {
                $name(index as u32)
            }

            /// The place in its list.
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

id!(
    /// An index into [`crate::Air::reducers`].
    ReducerId
);
id!(
    /// An index into [`crate::Air::plans`].
    PlanId
);
id!(
    /// An index into [`crate::Air::effects`].
    EffectId
);
id!(
    /// An index into [`crate::Air::grants`].
    GrantId
);
