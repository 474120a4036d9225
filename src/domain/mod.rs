//! Plain types that every floor shares: no I/O, no SQL, no HTTP, no Python.

mod address;
mod attr;
mod audit;
mod clock;
mod code;
mod context;
mod email;
mod error;
mod id;
mod page;
mod random;
mod search;
mod sec_def;
mod secret;
mod session;
mod update;
mod user;

pub use address::RemoteAddr;
pub use attr::{Attr, AttrOwner, AttrValue};
pub use audit::{AuditEvent, AuditKind, AuditResult};
pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use code::Code;
pub use context::Context;
pub use email::{Email, EmailKind};
pub use error::{Error, Result};
pub use id::{Cid, SessionId, UserId, time_ordered_uuid};
pub use page::Page;
pub use random::{Random, SystemRandom};
pub use search::{NameOp, UserSearch};
pub use sec_def::{LinkedAuth, SecDef, SecType};
pub use secret::{Password, Ust};
pub use session::{AuthType, ChangeSource, Session, SessionInfo, StateChange};
pub use update::{Edit, UserUpdate};
pub use user::{ApprovalStatus, ExpiringPassword, Field, NewUser, SignUpStatus, User, UserView, Visibility};
