//! Many logins at the same time, in one browser or in many: each ends with its own user.

use super::*;
use crate::session::{CookieKeys, CookieNames};

const LOGINS: usize = 200;

/// What a browser keeps of a login, and what the provider knows of it.
struct Begun {
    state: State,
    nonce: String,
    cookie: String,
    user: String,
}

#[test]
fn of_200_interleaved_logins_each_ends_with_its_own_user() {
    let provider = Provider::new();
    let keys = CookieKeys::ephemeral();
    let names = CookieNames::derive("app", &BaseUrl::parse("https://app.example").unwrap());
    let (metadata, registration) = (metadata(json!({})), registration());
    let mut entropy = Counted::default();
    let mut begun = Vec::new();
    for number in 0..LOGINS {
        let mut env = Env {
            now: NOW,
            entropy: &mut entropy,
        };
        let to = ReturnTo::parse(&format!("/{number}")).unwrap();
        let started = start(&metadata, &registration, Wanted::to(to), &mut env).unwrap();
        let name = names.transaction(&started.state);
        begun.push(Begun {
            state: started.state.clone(),
            nonce: query(&started.location).take("nonce").unwrap(),
            cookie: started.transaction.seal(&keys, &name).unwrap(),
            user: format!("user-{number}"),
        });
    }
    // They come back in another order: 77 and 200 have no factor in common.
    for number in (0..LOGINS).map(|at| at * 77 % LOGINS) {
        let login = &begun[number];
        let open = |of: &Begun| {
            Transaction::open(&keys, &names.transaction(&of.state), of.cookie.as_bytes())
        };
        let response = || callback(&login.state, &format!("code=abc&{ISS}"));
        // The answer to one login opens no other one's cookie.
        let other = &begun[(number + 1) % LOGINS];
        let swapped = Transaction::open(
            &keys,
            &names.transaction(&login.state),
            other.cookie.as_bytes(),
        );
        assert!(swapped.is_none(), "{number}");
        let wrong = response().accept(open(other).unwrap(), NOW).unwrap_err();
        assert_eq!(wrong.check(), Check::StateUnknown, "{number}");
        let grant = response()
            .accept(open(login).unwrap(), NOW)
            .and_then(|consume| consume.resolve(Use::First))
            .map(granted)
            .unwrap();
        let signed_in = |nonce: &str, grant| {
            let mut flow = SignIn::new(
                Arc::new(super::metadata(json!({}))),
                Arc::new(super::registration()),
                Arc::default(),
                grant,
            );
            let mut input = Input::Start;
            let mut entropy = Counting::default();
            loop {
                let env = &mut Env {
                    now: NOW,
                    entropy: &mut entropy,
                };
                input = match flow.resume(input, env) {
                    Step::Send(_) => {
                        let mut claims = provider.claims(nonce);
                        claims.insert("sub".into(), login.user.clone().into());
                        provider.answer(&claims)
                    }
                    Step::FindKeys(_) => Input::Keys(Ok(provider.published.clone())),
                    Step::Done(output) => return output,
                    other => panic!("unexpected step {other:?}"),
                };
            }
        };
        let done = signed_in(&login.nonce, grant).unwrap();
        assert_eq!(done.identity.subject(), login.user);
    }
}

/// Never the same, over more than a few bytes.
#[derive(Debug, Default)]
struct Counted(u64);

impl Entropy for Counted {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyUnavailable> {
        for chunk in out.chunks_mut(8) {
            self.0 += 1;
            chunk.copy_from_slice(&self.0.to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}
