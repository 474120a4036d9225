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
mod import;
mod page;
mod random;
mod rate_limit;
mod search;
mod sec_def;
mod secret;
mod session;
mod signup;
mod site;
mod throttle;
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
pub use import::{
    ImportBatch, ImportFinding, ImportObserver, ImportRecord, ImportSource, ImportSummary, ImportedAttr,
    ImportedLink, ImportedUser,
};
pub use page::Page;
pub use random::{Random, SystemRandom};
pub use rate_limit::{InvalidRateLimit, RateLimit, RateLimits, RateRule, RateWindow};
pub use search::{NameOp, UserSearch};
pub use sec_def::{LinkedAuth, SecDef, SecType};
pub use secret::{Password, Ust};
pub use session::{AuthType, ChangeSource, Session, SessionInfo, SessionView, StateChange};
pub use signup::{SignUpDetails, SignUpVerdict};
pub use site::{Direction, Identity, PageRequest, Site, SiteSession};
pub use throttle::{Throttle, ThrottleRules};
pub use update::{Edit, UserUpdate};
pub use user::{ApprovalStatus, ExpiringPassword, Field, NewUser, SignUpStatus, User, UserView, Visibility};
