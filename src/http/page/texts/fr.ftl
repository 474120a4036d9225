language = Français
skip = Aller au contenu
navigation = Pages
languages = Langues
terms = Conditions d’utilisation
privacy = Confidentialité
problem-prefix = Erreur :
problem-title = Il y a un problème
show-password = Afficher le mot de passe
hide-password = Masquer le mot de passe
copy = Copier
copied = Copié
continue = Continuer
save = Enregistrer
cancel = Annuler
try-again = Réessayer
begin-again = Recommencer

username = Nom d’utilisateur
password = Mot de passe
new-password = Nouveau mot de passe
code = Code
code-hint = Les six chiffres affichés par votre application d’authentification, ou l’un de vos codes de secours.
code-if-any = Seulement si vous avez activé la connexion en deux étapes.
keep = Rester connecté sur cet appareil

login-title = Connexion
login-button = Se connecter
login-link = Aller à la connexion
login-again-title = Confirmez que c’est bien vous
login-again-text = Reconnectez-vous pour continuer.
login-code-title = Saisissez votre code
login-code-text = Votre compte demande une deuxième étape.
login-password-title = Choisissez un nouveau mot de passe
login-password-text = Votre mot de passe a expiré ou doit être changé avant de continuer.
forgot-link = Mot de passe oublié ?
signup-question = Pas encore de compte ?
signup-link = S’inscrire
logout-title = Déconnexion
logout-button = Se déconnecter
done-logout = Vous êtes déconnecté.

account-title = Votre compte
admin-title = Administration
signed-in-as = Connecté en tant que { $name }
profile-title = Votre profil
display-name = Nom affiché
first-name = Prénom
middle-name = Deuxième prénom
last-name = Nom
done-profile = Votre profil a été enregistré.

wait-seconds = { $count ->
    [one] Trop de tentatives. Réessayez dans { $count } seconde.
   *[other] Trop de tentatives. Réessayez dans { $count } secondes.
 }
wait-minutes = { $count ->
    [one] Trop de tentatives. Réessayez dans { $count } minute.
   *[other] Trop de tentatives. Réessayez dans { $count } minutes.
 }
foreign-form-title = Ceci n’a pas été envoyé d’ici
foreign-form-text = Le formulaire a été envoyé par un autre site. Rien n’a été modifié.
old-form-title = Ce formulaire est trop ancien
old-form-text = Rien n’a été modifié. Rouvrez la page et envoyez-le à nouveau. Votre navigateur doit accepter les cookies, et l’adresse doit commencer par https.
busy-title = Trop de demandes
busy-text = Le serveur ne peut pas répondre pour le moment. Réessayez dans quelques secondes.
refused-title = C’est impossible
refused-text = La demande ne peut pas être traitée.
fault-title = Une erreur s’est produite
fault-text = L’erreur vient de nous et a été notée. Réessayez plus tard.
fault-id = Numéro de cette demande : { $id }

login-E005001 = Le nom d’utilisateur ou le mot de passe est incorrect.
login-code-E005001 = Le code est incorrect ou déjà utilisé, ou le délai est dépassé. Essayez le code suivant, ou recommencez.
error-other = Ce n’est pas autorisé.
error-E001001 = Ce nom d’utilisateur ne peut pas être utilisé.
error-E001002 = Ce nom d’utilisateur est déjà pris.
error-E001003 = Ce nom d’utilisateur est trop long.
error-E001004 = Un nom d’utilisateur ne contient pas d’espace.
error-E002001 = Ce n’est pas une adresse e-mail.
error-E002002 = Cette adresse e-mail est déjà prise.
error-E002003 = Cette adresse e-mail est trop longue.
error-E002004 = Une adresse e-mail ne contient pas d’espace.
error-E002005 = Saisissez votre adresse e-mail.
error-E003001 = Choisissez un autre mot de passe : celui-ci ne peut pas être utilisé.
error-E003002 = Ce mot de passe est trop court.
error-E003003 = Ce mot de passe est trop long.
error-E003008 = Ce mot de passe est trop facile à deviner. Allongez-le ou mélangez des mots.
error-E005001 = Ce n’est pas autorisé, ou le mot de passe ou le code est incorrect.
error-E005002 = Ce compte est verrouillé.
error-E005003 = L’adresse e-mail de ce compte n’est pas encore confirmée.
error-E005004 = Ce compte n’est pas encore approuvé.
error-E005008 = Saisissez un code.
error-E008002 = Ceci ne peut pas être utilisé ici.
error-E008003 = Complétez ce qui manque.

signup-title = Créer un compte
signup-button = Créer le compte
signup-terms = En créant un compte, vous acceptez les conditions indiquées au bas de cette page.
signup-closed-title = Pas d’inscription
signup-closed-text = Il n’est pas possible de créer un compte ici. Demandez-en un aux responsables de ce site.
signup-done-title = Consultez vos e-mails
signup-done-text = Si l’adresse peut être utilisée, un message contenant un lien est en route. Suivez le lien pour confirmer votre compte.
login-question = Vous avez déjà un compte ?
email = Adresse e-mail
email-optional = Adresse e-mail (facultative)
display-name-optional = Nom affiché (facultatif)
password-hint = { $count ->
    [one] Au moins { $count } caractère. Plusieurs mots sont faciles à retenir et difficiles à deviner.
   *[other] Au moins { $count } caractères. Plusieurs mots sont faciles à retenir et difficiles à deviner.
 }
resend-link = Aucun message reçu ?
resend-title = Renvoyer le message
resend-text = Si un compte attend d’être confirmé, il reçoit son message encore une fois.
username-or-email = Nom d’utilisateur ou adresse e-mail
send = Envoyer
token = Code reçu par e-mail
token-hint = Copiez le lien ou le code de l’e-mail si ce champ est vide.
confirm-signup-title = Confirmez votre compte
confirm-signup-text = Il reste une étape : confirmez que vous avez créé ce compte.
confirm-email-title = Confirmez votre adresse e-mail
confirm-email-text = Confirmez que cette adresse doit être celle de votre compte.
confirm-button = Confirmer
done-signup = Votre compte est confirmé. Vous pouvez vous connecter.
done-approval = Votre compte est confirmé. Vous pourrez vous connecter dès qu’il sera approuvé.
done-email = Votre adresse e-mail a été enregistrée.
done-email-sent = Un message est en route vers la nouvelle adresse. Suivez le lien pour confirmer le changement.
forgot-title = Mot de passe oublié ?
forgot-text = Dites-nous qui vous êtes. Si vous avez un compte avec une adresse e-mail, vous recevrez un message avec un lien pour choisir un nouveau mot de passe.
sent-title = Consultez vos e-mails
sent-text = Si un tel compte existe, un message contenant un lien est en route. Le lien ne sert qu’une fois.
reset-title = Choisissez un nouveau mot de passe
forgot-again = Demander un autre message
done-password = Votre mot de passe a été changé.
reset-E010001 = Ce code est incorrect, déjà utilisé ou trop ancien. Demandez un autre message.
error-E005006 = Ce code est incorrect, déjà utilisé ou trop ancien.
error-E005007 = Ce compte est déjà confirmé.

security-title = Connexion et sécurité
email-title = Adresse e-mail
email-now = Votre adresse e-mail : { $email }
email-new = Nouvelle adresse e-mail
email-hint = Vous devrez peut-être la confirmer par un lien envoyé à cette adresse.
password-title = Changer le mot de passe
old-password = Mot de passe actuel
account-password-E005001 = Le mot de passe actuel est incorrect.
two-factor-title = Connexion en deux étapes
two-factor-text = Avec une deuxième étape, votre mot de passe seul ne suffit plus : une application sur votre téléphone affiche un code qui est aussi demandé.
two-factor-on = La connexion en deux étapes est activée.
two-factor-button = Activer la connexion en deux étapes
two-factor-off-title = Désactiver
two-factor-off-button = Désactiver la connexion en deux étapes
done-two-factor-off = La connexion en deux étapes est désactivée.
done-second-factor = Activez la connexion en deux étapes pour utiliser l’administration.
is-on = Activé
is-off = Désactivé
none = Aucun
set-up-title = Configurez votre application
set-up-text = Scannez cette image avec une application d’authentification.
qr-code = Code QR contenant la clé ci-dessous
key-text = Ou saisissez cette clé dans l’application :
set-up-hint = Les six chiffres affichés maintenant par l’application.
account-set-up-E005001 = Le code est incorrect. Saisissez celui que l’application affiche maintenant.
codes-title = Codes de secours
codes-text = Conservez ces codes en lieu sûr. Chacun permet de se connecter une fois sans l’application. Ils ne seront plus affichés, et les précédents ne fonctionnent plus.
codes-left = { $count ->
    [one] Il vous reste { $count } code.
   *[other] Il vous reste { $count } codes.
 }
codes-button = Créer de nouveaux codes
sessions-title = Où vous êtes connecté
sessions-text = Terminez ce que vous ne connaissez pas, puis changez de mot de passe.
sessions = Sessions
unknown-program = Programme inconnu
this-session = celle-ci
session-from = Depuis { $address }
session-seen = Dernière utilisation :
session-began = Connexion :
end = Terminer
end-of = Terminer la session de { $name }
end-others = Terminer toutes les autres
end-all = Terminer toutes les sessions
done-session = Terminé.
data-title = Vos données
data-text = Un fichier avec ce qui est enregistré à votre sujet : profil, sessions, attributs.
data-button = Télécharger
back-to-account = Retour à votre compte

admin-users = Utilisateurs
admin-sites = Sites
search = Rechercher
search-label = Partie d’un nom d’utilisateur, ou adresse e-mail entière
list-label = Liste
list-all = Tous les utilisateurs
list-waiting = En attente d’approbation
list-rejected = Refusés
list-unconfirmed = Non confirmés
found = { $count ->
    [one] { $count } utilisateur
   *[other] { $count } utilisateurs
 }
found-none = Aucun utilisateur trouvé.
status = État
signed-up = Inscription
status-before-decision = non approuvé
status-approved = approuvé
status-rejected = refusé
status-locked = verrouillé
status-super-user = super-utilisateur
previous = Précédente
next = Suivante
page-of = Page { $page } sur { $pages }
approve = Approuver
reject = Refuser
lock = Verrouiller
unlock = Déverrouiller
send-reset = Envoyer un lien pour un nouveau mot de passe
done-approved = L’utilisateur a été approuvé.
done-rejected = L’utilisateur a été refusé.
done-locked = L’utilisateur a été verrouillé.
done-unlocked = L’utilisateur a été déverrouillé.
done-deleted = L’utilisateur a été supprimé.
done-reset = Un message est en route.
details = Détails
attributes = Attributs
encrypted = chiffré
delete-title = Supprimer
delete-question = Supprimer cet utilisateur…
delete-text = L’utilisateur disparaît définitivement, avec toutes ses sessions et ses attributs.
delete = Supprimer définitivement
no-user-title = Aucun utilisateur de ce nom
no-user-text = L’utilisateur a peut-être été supprimé.
site-name = Site
public-key = Clé publique
trusted = de confiance
callbacks = Adresses de retour
error-E001100 = Cet utilisateur n’existe pas.
error-E007001 = Cette session est déjà terminée.
