//! Text as people write it: the same name in several encodings, and different ones that look the same.

pub(super) mod email;
pub(super) mod look_alike;
pub(super) mod name;
pub(super) mod precis;
pub(super) mod property;
pub(super) mod reserved;
