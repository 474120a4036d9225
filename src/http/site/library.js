/* Single sign-on between web sites. Takes the commands of the array _oneall:
 *   ['single_sign_on', 'set_callback_uri', callback_uri]
 *   ['single_sign_on', 'set_sso_realm', top_realm, sub_realm]
 *   ['single_sign_on', 'do_check_for_sso_session', callback_uri, relogin_same_domain]
 *   ['single_sign_on', 'do_register_sso_session', sso_session_token, force_cookie]
 * Nothing is loaded, framed or fetched: the browser goes to the server of this script and comes back. */
(function () {
  'use strict';

  var CHECK_AGAIN_MS = 60000;
  var MAX_URI_LENGTH = 2000;

  var script = document.currentScript;
  if (!script || !script.src) {
    return;
  }
  var base = new URL(script.src).origin;
  var queue = (window._oneall = window._oneall || []);
  if (queue.zato_sso) {
    return;
  }
  queue.zato_sso = base;

  var settings = { callback_uri: null, top_realm: null, sub_realm: null };
  var isLeaving = false;

  function warn(text) {
    console.warn('zato_sso: ' + text);
  }

  /* A browser that cannot remember that it was sent away would be sent away for ever. */
  function remember(storage, name, value) {
    try {
      window[storage].setItem('zato_sso_' + name, value);
      return true;
    } catch (error) {
      warn('there is no ' + storage + ': ' + error.message);
      return false;
    }
  }

  function remembered(storage, name) {
    try {
      return window[storage].getItem('zato_sso_' + name);
    } catch (error) {
      return null;
    }
  }

  function forget(storage, name) {
    try {
      window[storage].removeItem('zato_sso_' + name);
    } catch (error) {
      /* It was not there. */
    }
  }

  /* Tells tokens apart; the token itself is not to lie about. FNV-1a. */
  function mark(token) {
    var hash = 0x811c9dc5;
    for (var i = 0; i < token.length; i++) {
      hash = Math.imul(hash ^ token.charCodeAt(i), 0x01000193) >>> 0;
    }
    return hash.toString(16);
  }

  function random() {
    var bytes = crypto.getRandomValues(new Uint8Array(16));
    return Array.prototype.map.call(bytes, function (byte) {
      return ('0' + byte.toString(16)).slice(-2);
    }).join('');
  }

  /* This page, where the browser comes back to. What is behind # stays with the browser. */
  function page() {
    var uri = location.origin + location.pathname;
    return (uri + location.search).length <= MAX_URI_LENGTH ? uri + location.search : uri;
  }

  function mayLeave() {
    if (window.top !== window.self) {
      warn('nothing is done within a frame');
      return false;
    }
    return !isLeaving;
  }

  /* A form, so that the token stands in no URL. */
  function post(path, fields) {
    /* The server must see from where the browser comes, whatever the policy of the page is. */
    var policy = document.createElement('meta');
    policy.name = 'referrer';
    policy.content = 'strict-origin';
    document.head.appendChild(policy);
    var form = document.createElement('form');
    form.method = 'post';
    form.action = base + path + location.hash;
    form.hidden = true;
    Object.keys(fields).forEach(function (name) {
      var input = document.createElement('input');
      input.type = 'hidden';
      input.name = name;
      input.value = fields[name];
      form.appendChild(input);
    });
    document.documentElement.appendChild(form);
    isLeaving = true;
    HTMLFormElement.prototype.submit.call(form);
  }

  function register(token, forceCookie) {
    if (typeof token !== 'string' || token === '' || !mayLeave()) {
      return;
    }
    if (forceCookie === true) {
      /* Once for each view of a page: the one that the browser has come back to is the same view. */
      if (remembered('sessionStorage', 'is_back') !== null) {
        forget('sessionStorage', 'is_back');
        return;
      }
      if (!remember('sessionStorage', 'is_back', '1')) {
        return;
      }
    } else if (remembered('localStorage', 'registered') === mark(token)) {
      return;
    }
    if (remember('localStorage', 'registered', mark(token))) {
      post('/sso/register', { sso_session_token: token, return_uri: page() });
    }
  }

  function check(callbackUri, reloginSameDomain) {
    var callback = callbackUri || settings.callback_uri;
    if (!callback) {
      warn('do_check_for_sso_session needs a callback_uri');
      return;
    }
    if (!mayLeave()) {
      return;
    }
    var checked = remembered('sessionStorage', 'checked');
    if (checked !== null && (reloginSameDomain === false || Date.now() - Number(checked) < CHECK_AGAIN_MS)) {
      return;
    }
    if (!remember('sessionStorage', 'checked', String(Date.now()))) {
      return;
    }
    var state = random();
    /* The callback is requested from another site: only a cookie that says None comes along. */
    document.cookie = 'zato_sso_state=' + state + '; Path=/; Max-Age=300; SameSite=None; Secure';
    var query = new URLSearchParams({ callback_uri: callback, return_uri: page(), state: state });
    ['top_realm', 'sub_realm'].forEach(function (name) {
      if (settings[name]) {
        query.set(name, settings[name]);
      }
    });
    isLeaving = true;
    location.replace(base + '/sso/check?' + query + location.hash);
  }

  var commands = {
    set_callback_uri: function (uri) {
      settings.callback_uri = uri;
    },
    set_sso_realm: function (topRealm, subRealm) {
      settings.top_realm = topRealm;
      settings.sub_realm = subRealm;
    },
    do_check_for_sso_session: check,
    do_register_sso_session: register
  };

  function run(command) {
    var name = Array.isArray(command) ? command[1] : undefined;
    if (Array.isArray(command) && command[0] === 'single_sign_on' && Object.hasOwn(commands, name)) {
      commands[name].apply(null, command.slice(2));
    } else {
      warn('unknown command ' + JSON.stringify(Array.isArray(command) ? command.slice(0, 2) : command));
    }
  }

  queue.push = function () {
    Array.prototype.forEach.call(arguments, run);
    return 0;
  };
  queue.splice(0).forEach(run);
})();
