//! Descriptions and health: OpenAPI, the reference page, metrics, health.

pub(super) mod health;
pub(super) mod openapi;
pub(super) mod reference;
pub(super) mod site;
