//! Pages for people: sign in, sign up, account, administration. A face like the others: each page calls operations, and decides
//! nothing.
//!
//! A request goes through `serve`, which checks where a form comes from and whose session it is, to one of the pages of `table`.
//!
//! Files import in this order: `text`, `cookie`, `target`, `form`, `draft`, `guard`, `look`, `answer`, `visit`, `serve`, then the pages,
//! then `table`.

mod account;
mod admin;
mod answer;
mod consent;
pub(super) mod cookie;
mod device;
mod draft;
mod form;
pub(super) mod guard;
mod login;
pub(super) mod look;
mod passkey;
mod password;
pub(super) mod serve;
mod signup;
pub(super) mod table;
pub(super) mod target;
mod text;
pub(super) mod visit;
