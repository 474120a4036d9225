//! Many rows at a time: imports and exports, and databases of Zato 3.x.

pub mod seen;
pub mod users;
pub mod zato;
