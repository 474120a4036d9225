<?php

declare(strict_types=1);

// Runs through every call of the client, and prints what came of each as JSON.

require __DIR__ . '/SsoClient.php';

[$base, $publicKey, $privateKey] = [getenv('SSO_API'), getenv('SSO_PUBLIC_KEY'), getenv('SSO_PRIVATE_KEY')];
$client = new SsoClient($base, $publicKey, $privateKey);
$password = 'correct horse battery staple';

/** The HTTP status that a call is refused with. */
function refusal(callable $call): int
{
    try {
        $call();
    } catch (SsoException $refused) {
        return $refused->getCode();
    }
    return 0;
}

$results = [];
$profile = ['displayName' => 'Bea Åkesson', 'emails' => [['value' => 'bea@example.com']], 'accounts' => [['id' => 7]]];
$user = $client->createUser(
    ['login' => 'bea', 'password' => $password, 'externalid' => '45673', 'identity' => $profile]
);
$identityToken = $user['identity']['identity_token'];
$results['created'] = $user;
$results['twice'] = refusal(fn () => $client->createUser(['login' => 'bea']));
$results['lookup'] = $client->lookup('bea', $password);
$results['wrong_password'] = $client->lookup('bea', 'wrong');
$results['user'] = $client->user($user['user_token']);
$results['identity'] = $client->identity($identityToken);
$results['updated'] = $client->updateUser($user['user_token'], ['identity' => ['displayName' => 'Bea']]);
$results['users'] = $client->users(['entries_per_page' => 1, 'order_direction' => 'desc']);

$session = ['top_realm' => 'garden', 'sub_realm' => 'vegetables', 'lifetime' => '7200', 'data' => ['cart' => [1, 2]]];
$results['started'] = $client->startSession($identityToken, $session);
$token = $results['started']['sso_session_token'];
$results['sessions'] = $client->sessions(['page' => 1, 'entries_per_page' => 10]);
$results['session'] = $client->session($token);
$results['session_of_identity'] = $client->sessionOfIdentity($identityToken);
$results['not_confirmed'] = refusal(fn () => $client->call('DELETE', "/sso/sessions/$token.json"));
$second = $client->startSession($identityToken)['sso_session_token'];
$results['replaced'] = $client->session($token);
$client->endSession($second);
$results['ended'] = $client->session($second);
$client->startSession($identityToken);
$client->endSessionOfIdentity($identityToken);
$results['ended_of_identity'] = $client->sessionOfIdentity($identityToken);
$results['end_again'] = refusal(fn () => $client->endSessionOfIdentity($identityToken));
$results['guessed'] = $client->session('00000000-0000-4000-8000-000000000000');
$results['connection'] = $client->connection('00000000-0000-4000-8000-000000000000');
$wrong = new SsoClient($base, $publicKey, 'wrong');
$results['wrong_key'] = refusal(fn () => $wrong->sessions());

echo json_encode($results, JSON_THROW_ON_ERROR);
