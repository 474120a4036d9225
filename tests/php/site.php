<?php

declare(strict_types=1);

// A web site that shares its login with others: a page, a login, a logout and a callback. For PHP's built-in server.

require __DIR__ . '/SsoClient.php';

$client = new SsoClient(getenv('SSO_API'), getenv('SSO_PUBLIC_KEY'), getenv('SSO_PRIVATE_KEY'));
$sso = getenv('SSO_URL');
$site = getenv('SITE_URL');

session_set_cookie_params(['secure' => true, 'httponly' => true, 'samesite' => 'Lax']);
session_start();

function redirect(string $target): never
{
    header("Location: $target", true, 303);
    exit;
}

function log_in(string $name, string $identityToken, ?string $ssoSessionToken): void
{
    session_regenerate_id(true);
    $_SESSION = ['name' => $name, 'identity_token' => $identityToken, 'sso_session_token' => $ssoSessionToken];
}

/** A page of this site and of no other. */
function own_page(?string $target, string $site): string
{
    return $target !== null && str_starts_with($target, "$site/") ? $target : "$site/";
}

switch ($_SERVER['REQUEST_METHOD'] . ' ' . parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH)) {
    case 'POST /login':
        $user = $client->lookup($_POST['login'], $_POST['password']);
        if ($user !== null) {
            $identityToken = $user['identity']['identity_token'];
            $started = $client->startSession($identityToken, ['lifetime' => 7200]);
            log_in($user['identity']['displayName'], $identityToken, $started['sso_session_token']);
            $_SESSION['is_own'] = true;
        }
        redirect("$site/");

    case 'POST /logout':
        if (isset($_SESSION['is_own'])) {
            $client->endSessionOfIdentity($_SESSION['identity_token']);
        }
        $_SESSION = [];
        redirect("$site/");

    case 'POST /callback':
        // The browser must be the one that a page of this site has sent to be checked.
        $state = $_COOKIE['zato_sso_state'] ?? '';
        $isOurs = $state !== '' && hash_equals($state, $_POST['state'] ?? '');
        $found = $isOurs ? $client->connection($_POST['connection_token'] ?? '') : null;
        if ($found !== null) {
            $identity = $found['user']['identity'];
            $token = $found['sso_session']['sso_session_token'] ?? null;
            log_in($identity['displayName'], $identity['identity_token'], $token);
        }
        redirect(own_page($_POST['return_uri'] ?? null, $site));

    case 'GET /callback':
        redirect("$site/");

    case 'GET /':
        break;

    default:
        http_response_code(404);
        exit;
}

// A session that was ended on another web site is ended here, too.
$token = $_SESSION['sso_session_token'] ?? null;
if ($token !== null && $client->session($token) === null) {
    $_SESSION = [];
}
$name = $_SESSION['name'] ?? null;
$register = isset($_SESSION['is_own']) ? $token : null;
header('Referrer-Policy: no-referrer');
header('Content-Type: text/html; charset=utf-8');
?>
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title><?= htmlspecialchars($site) ?></title>
<script>
var sso_session_token = <?= json_encode($register) ?>;
var _oneall = window._oneall || [];
<?php if ($register !== null) { ?>
_oneall.push(['single_sign_on', 'do_register_sso_session', sso_session_token]);
<?php } elseif ($name === null) { ?>
_oneall.push(['single_sign_on', 'set_callback_uri', <?= json_encode("$site/callback") ?>]);
_oneall.push(['single_sign_on', 'do_check_for_sso_session']);
<?php } ?>
(function () {
    var oa = document.createElement('script');
    oa.async = true;
    oa.src = <?= json_encode("$sso/sso/library.js") ?>;
    var s = document.getElementsByTagName('script')[0];
    s.parentNode.insertBefore(oa, s);
})();
</script>
</head>
<body>
<h1><?= htmlspecialchars($site) ?></h1>
<p id="who"><?= $name === null ? 'Nobody' : 'Hello ' . htmlspecialchars($name) ?></p>
<?php if ($name === null) { ?>
<form method="post" action="/login"><input name="login"><input name="password" type="password"><button>Log in</button></form>
<?php } else { ?>
<form method="post" action="/logout"><button>Log out</button></form>
<?php } ?>
</body>
</html>
