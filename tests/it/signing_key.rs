//! The keys that sign tokens: made once for all nodes, published before they sign and after it, and replaced.

use std::sync::Arc;

use serde_json::json;
use zato_sso::crypto::jose::jwk::Jwk;
use zato_sso::crypto::jose::jws::{Jws, sign};
use zato_sso::domain::{Code, SigningAlg, Timestamp};
use zato_sso::ops::{SigningKeys, Sso};

use crate::support::{Kind, World, any_rows, ctx, refusal};

on_both_databases! {
    keys_are_made_once_for_all_nodes_and_sealed;
    a_new_key_is_published_before_it_signs_and_the_old_one_after;
    keys_are_replaced_by_themselves;
    keys_that_others_may_have_are_replaced_at_once;
    no_token_fails_while_keys_rotate_on_two_nodes;
    without_a_provider_there_are_no_keys_to_rotate;
}

const HOUR: i64 = 3_600;

fn provider() -> serde_json::Value {
    json!({"oidc.issuer": "https://login.example.com", "oidc.key_lifetime": 30})
}

fn kids(keys: &Arc<SigningKeys>, now: Timestamp) -> Vec<String> {
    let jwks = keys.jwks(now);
    jwks["keys"].as_array().unwrap().iter().map(|jwk| jwk["kid"].as_str().unwrap().to_owned()).collect()
}

fn signer(keys: &Arc<SigningKeys>, alg: SigningAlg, now: Timestamp) -> String {
    keys.signer(alg, now).unwrap().kid().to_owned()
}

async fn keys_are_made_once_for_all_nodes_and_sealed(kind: Kind) {
    let world = World::with(kind, provider()).await;
    let other = world.reopened(provider()).await;
    let made = async |sso: Sso| sso.signing_keys_for(SigningAlg::EdDsa).await.unwrap();
    let both = tokio::join!(
        tokio::spawn(made(world.sso.clone())),
        tokio::spawn(made(other.clone())),
        tokio::spawn(made(world.sso.clone())),
    );
    let now = world.sso.now();
    let kid = signer(&both.0.unwrap(), SigningAlg::EdDsa, now);
    for keys in [both.1.unwrap(), both.2.unwrap()] {
        assert_eq!(signer(&keys, SigningAlg::EdDsa, now), kid);
        assert_eq!(kids(&keys, now), [kid.as_str()]);
    }
    // Asked for all, there is one of each algorithm.
    let all = world.sso.signing_keys().await.unwrap();
    assert_eq!(kids(&all, now).len(), 3);
    for alg in SigningAlg::ALL {
        let key = all.signer(alg, now).unwrap();
        let public = all.verifier(key.kid(), now).unwrap();
        assert!(public.verifies(b"message", &key.sign(b"message").unwrap()));
    }
    assert!(all.verifier("unknown", now).is_none());
    let jwks = all.jwks(now).to_string();
    assert!(!jwks.contains("\"d\""), "{jwks}");
    for envelope in any_rows(&world, "SELECT private_key FROM sso_signing_key").await {
        // The version of a sealed envelope; PKCS #8 in clear begins with a SEQUENCE.
        assert_eq!(envelope[0], 1);
    }
    let entries = "SELECT op FROM sso_audit WHERE op = 'signing_key.rotate'";
    assert_eq!(any_rows(&world, entries).await.len(), 3);
}

async fn a_new_key_is_published_before_it_signs_and_the_old_one_after(kind: Kind) {
    let world = World::with(kind, provider()).await;
    let (sso, alg) = (&world.sso, SigningAlg::EdDsa);
    let keys = async || sso.signing_keys().await.unwrap();
    let old = signer(&keys().await, alg, sso.now());
    let made = sso.rotate_signing_keys(&ctx(), false).await.unwrap();
    let new = made.iter().find(|key| key.alg == alg).unwrap().kid.clone();
    assert_eq!(made.len(), 3);
    assert_ne!(new, old);
    let published = kids(&keys().await, sso.now());
    assert!(published.contains(&old) && published.contains(&new) && published.len() == 6);
    assert_eq!(signer(&keys().await, alg, sso.now()), old);
    world.clock.advance_seconds(24 * HOUR - 1);
    assert_eq!(signer(&keys().await, alg, sso.now()), old);
    world.clock.advance_seconds(1);
    assert_eq!(signer(&keys().await, alg, sso.now()), new);
    assert!(keys().await.verifier(&old, sso.now()).is_some());
    // What the old one has signed lives for a day at most.
    world.clock.advance_seconds(25 * HOUR - 1);
    assert!(keys().await.verifier(&old, sso.now()).is_some());
    world.clock.advance_seconds(1);
    let after = keys().await;
    assert!(after.verifier(&old, sso.now()).is_none() && after.verifier_of_hints(&old).is_some());
    let published = kids(&after, sso.now());
    assert!(!published.contains(&old) && published.contains(&new) && published.len() == 3);
}

async fn keys_are_replaced_by_themselves(kind: Kind) {
    let world = World::with(kind, provider()).await;
    let (sso, alg) = (&world.sso, SigningAlg::EdDsa);
    let other = world.reopened(provider()).await;
    let first = signer(&sso.signing_keys_for(alg).await.unwrap(), alg, sso.now());
    let run = async || {
        let (one, two) = tokio::join!(sso.maintain_signing_keys(), other.maintain_signing_keys());
        one.unwrap();
        two.unwrap();
        sso.signing_keys_for(alg).await.unwrap()
    };
    world.clock.advance_seconds(29 * 24 * HOUR - 1);
    assert_eq!(kids(&run().await, sso.now()), [first.as_str()]);
    world.clock.advance_seconds(1);
    let keys = run().await;
    assert_eq!(kids(&keys, sso.now()).len(), 2);
    assert_eq!(signer(&keys, alg, sso.now()), first);
    assert_eq!(kids(&run().await, sso.now()).len(), 2);
    world.clock.advance_seconds(24 * HOUR);
    let second = signer(&run().await, alg, sso.now());
    assert_ne!(second, first);
    world.clock.advance_seconds(25 * HOUR);
    assert_eq!(kids(&run().await, sso.now()), [second.as_str()]);
    // It is deleted when nobody shows an ID token of it any more.
    world.clock.advance_seconds(401 * 24 * HOUR);
    let keys = run().await;
    assert!(keys.verifier_of_hints(&first).is_none() && keys.verifier_of_hints(&second).is_some());
}

async fn keys_that_others_may_have_are_replaced_at_once(kind: Kind) {
    let world = World::with(kind, provider()).await;
    let (sso, alg) = (&world.sso, SigningAlg::EdDsa);
    let other = world.reopened(provider()).await;
    let old = signer(&sso.signing_keys().await.unwrap(), alg, sso.now());
    sso.rotate_signing_keys(&ctx(), false).await.unwrap();
    assert_eq!(kids(&other.signing_keys().await.unwrap(), sso.now()).len(), 6);
    let made = sso.rotate_signing_keys(&ctx(), true).await.unwrap();
    let new = &made.iter().find(|key| key.alg == alg).unwrap().kid;
    for sso in [sso, &other] {
        for attempt in 0.. {
            let keys = sso.signing_keys().await.unwrap();
            if keys.verifier(&old, sso.now()).is_none() {
                assert_eq!(kids(&keys, sso.now()).len(), 3);
                assert!(keys.verifier_of_hints(&old).is_none(), "it verifies nothing any more");
                assert_eq!(signer(&keys, alg, sso.now()), *new);
                break;
            }
            assert!(kind == Kind::Postgres && attempt < 100, "the other node has not heard of it");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }
    // The one that was to sign tomorrow does not.
    world.clock.advance_seconds(24 * HOUR);
    assert_eq!(signer(&sso.signing_keys().await.unwrap(), alg, sso.now()), *new);
}

/// Whether a token is signed by one of the keys that a client has.
fn verifies(keys: &[Jwk], token: &str) -> bool {
    let jws = Jws::parse(token).unwrap();
    keys.iter().any(|key| key.kid == jws.header.kid && jws.is_signed_by(&key.key))
}

async fn no_token_fails_while_keys_rotate_on_two_nodes(kind: Kind) {
    let world = World::with(kind, provider()).await;
    let other = world.reopened(provider()).await;
    let nodes = [&world.sso, &other];
    let alg = SigningAlg::EdDsa;
    let published = async |sso: &Sso| {
        let keys = sso.signing_keys_for(alg).await.unwrap();
        Jwk::parse_set(&keys.jwks(sso.now()).to_string()).unwrap()
    };
    // A client reads the keys once a day from one node, and once a day from the other, and never because it lacks one.
    let mut known = [published(nodes[0]).await, published(nodes[1]).await];
    let mut valid = Vec::new();
    let mut signers = std::collections::BTreeSet::new();
    for hour in 0..=100_usize {
        for (node, known) in nodes.iter().zip(&mut known) {
            if hour % 24 == 0 {
                *known = published(node).await;
            }
            node.maintain_signing_keys().await.unwrap();
        }
        if hour == 5 || hour == 53 {
            let context = ctx();
            let (one, two) = tokio::join!(nodes[0].rotate_signing_keys(&context, false), published(nodes[1]));
            assert!(!one.unwrap().is_empty() && !two.is_empty());
        }
        for node in nodes {
            let keys = node.signing_keys_for(alg).await.unwrap();
            let signer = keys.signer(alg, node.now()).unwrap();
            signers.insert(signer.kid().to_owned());
            valid.push((hour, sign(signer, "at+jwt", &json!({"hour": hour})).unwrap()));
        }
        // The longest life of a token is a day.
        valid.retain(|(made, _)| hour - made < 24);
        let fresh = [published(nodes[0]).await, published(nodes[1]).await];
        for (made, token) in &valid {
            for keys in &fresh {
                assert!(verifies(keys, token), "made in hour {made}, read in hour {hour}");
            }
            for keys in &known {
                assert!(*made != hour || verifies(keys, token), "made in hour {hour}");
            }
        }
        world.clock.advance_seconds(HOUR);
    }
    assert_eq!(signers.len(), 3, "both rotations came into force");
}

async fn without_a_provider_there_are_no_keys_to_rotate(kind: Kind) {
    let world = World::new(kind).await;
    let refused = world.sso.rotate_signing_keys(&ctx(), false).await;
    assert_eq!(refusal(refused), Code::CommonInvalidOperation);
    world.sso.maintain_signing_keys().await.unwrap();
    assert!(any_rows(&world, "SELECT kid FROM sso_signing_key").await.is_empty());
}
