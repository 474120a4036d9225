language = Español
skip = Ir al contenido
navigation = Páginas
languages = Idiomas
terms = Condiciones de uso
privacy = Privacidad
problem-prefix = Error:
problem-title = Hay un problema
show-password = Mostrar la contraseña
hide-password = Ocultar la contraseña
copy = Copiar
copied = Copiado
continue = Continuar
save = Guardar
cancel = Cancelar
try-again = Intentar de nuevo
begin-again = Empezar de nuevo

username = Nombre de usuario
password = Contraseña
new-password = Contraseña nueva
code = Código
code-hint = Las seis cifras que muestra su aplicación de autenticación, o uno de sus códigos de recuperación.
code-if-any = Solo si ha activado el acceso en dos pasos.
keep = Mantener la sesión iniciada en este dispositivo

login-title = Iniciar sesión
login-button = Iniciar sesión
login-link = Ir al inicio de sesión
login-again-title = Confirme que es usted
login-again-text = Inicie sesión otra vez para continuar.
login-code-title = Escriba su código
login-code-text = Su cuenta pide un segundo paso.
login-password-title = Elija una contraseña nueva
login-password-text = Su contraseña ha caducado o debe cambiarse antes de continuar.
forgot-link = ¿Olvidó su contraseña?
signup-question = ¿Todavía no tiene cuenta?
signup-link = Registrarse
logout-title = Cerrar sesión
logout-button = Cerrar sesión
done-logout = Ha cerrado la sesión.

account-title = Su cuenta
admin-title = Administración
signed-in-as = Sesión iniciada como { $name }
profile-title = Su perfil
display-name = Nombre visible
first-name = Nombre
middle-name = Segundo nombre
last-name = Apellidos
done-profile = Su perfil se ha guardado.

wait-seconds = { $count ->
    [one] Demasiados intentos. Inténtelo de nuevo dentro de { $count } segundo.
   *[other] Demasiados intentos. Inténtelo de nuevo dentro de { $count } segundos.
 }
wait-minutes = { $count ->
    [one] Demasiados intentos. Inténtelo de nuevo dentro de { $count } minuto.
   *[other] Demasiados intentos. Inténtelo de nuevo dentro de { $count } minutos.
 }
foreign-form-title = Esto no se envió desde aquí
foreign-form-text = Otro sitio web envió el formulario. No se ha cambiado nada.
old-form-title = Este formulario es demasiado antiguo
old-form-text = No se ha cambiado nada. Vuelva a abrir la página y envíelo otra vez. Su navegador debe aceptar cookies y la dirección debe empezar por https.
busy-title = Demasiado trabajo
busy-text = El servidor no puede responder por el momento. Inténtelo de nuevo en unos segundos.
refused-title = Esto no es posible
refused-text = La petición no se puede atender.
fault-title = Algo ha fallado
fault-text = El error es nuestro y ha quedado anotado. Inténtelo más tarde.
fault-id = Número de esta petición: { $id }

login-E005001 = El nombre de usuario o la contraseña no son correctos.
login-code-E005001 = El código no es correcto o ya se usó, o pasó demasiado tiempo. Pruebe el código siguiente o empiece de nuevo.
error-other = Esto no está permitido.
error-E001001 = Este nombre de usuario no se puede usar.
error-E001002 = Este nombre de usuario ya está ocupado.
error-E001003 = Este nombre de usuario es demasiado largo.
error-E001004 = Un nombre de usuario no lleva espacios.
error-E002001 = Esto no es una dirección de correo.
error-E002002 = Esta dirección de correo ya está ocupada.
error-E002003 = Esta dirección de correo es demasiado larga.
error-E002004 = Una dirección de correo no lleva espacios.
error-E002005 = Escriba su dirección de correo.
error-E003001 = Elija otra contraseña: esta no se puede usar.
error-E003002 = Esta contraseña es demasiado corta.
error-E003003 = Esta contraseña es demasiado larga.
error-E003008 = Esta contraseña es demasiado fácil de adivinar. Alárguela o mezcle palabras.
error-E005001 = Esto no está permitido, o la contraseña o el código no son correctos.
error-E005002 = Esta cuenta está bloqueada.
error-E005003 = La dirección de correo de esta cuenta aún no está confirmada.
error-E005004 = Esta cuenta aún no está aprobada.
error-E005008 = Escriba un código.
error-E008002 = Esto no se puede usar aquí.
error-E008003 = Rellene lo que falta.

signup-title = Crear una cuenta
signup-button = Crear la cuenta
signup-terms = Al crear una cuenta acepta las condiciones que figuran al pie de esta página.
signup-closed-title = Sin registro
signup-closed-text = Aquí no se pueden crear cuentas. Pida una a los responsables de este sitio.
signup-done-title = Revise su correo
signup-done-text = Si la dirección se puede usar, un mensaje con un enlace va de camino. Siga el enlace para confirmar su cuenta.
login-question = ¿Ya tiene una cuenta?
email = Dirección de correo
email-optional = Dirección de correo (opcional)
display-name-optional = Nombre visible (opcional)
password-hint = { $count ->
    [one] Al menos { $count } carácter. Varias palabras son fáciles de recordar y difíciles de adivinar.
   *[other] Al menos { $count } caracteres. Varias palabras son fáciles de recordar y difíciles de adivinar.
 }
resend-link = ¿No ha llegado ningún mensaje?
resend-title = Enviar el mensaje otra vez
resend-text = Si una cuenta espera ser confirmada, recibe su mensaje una vez más.
username-or-email = Nombre de usuario o dirección de correo
send = Enviar
token = Código del correo
token-hint = Copie el enlace o el código del correo si este campo está vacío.
confirm-signup-title = Confirme su cuenta
confirm-signup-text = Falta un paso: confirme que fue usted quien creó esta cuenta.
confirm-email-title = Confirme su dirección de correo
confirm-email-text = Confirme que esta dirección será la de su cuenta.
confirm-button = Confirmar
done-signup = Su cuenta está confirmada. Ya puede iniciar sesión.
done-approval = Su cuenta está confirmada. Podrá iniciar sesión en cuanto se apruebe.
done-email = Su dirección de correo se ha guardado.
done-email-sent = Un mensaje va de camino a la dirección nueva. Siga el enlace para confirmar el cambio.
forgot-title = ¿Olvidó su contraseña?
forgot-text = Díganos quién es. Si tiene una cuenta con dirección de correo, recibirá un mensaje con un enlace para elegir una contraseña nueva.
sent-title = Revise su correo
sent-text = Si existe esa cuenta, un mensaje con un enlace va de camino. El enlace sirve una vez.
reset-title = Elija una contraseña nueva
forgot-again = Pedir otro mensaje
done-password = Su contraseña se ha cambiado.
reset-E010001 = Este código no es correcto, ya se usó o es demasiado antiguo. Pida otro mensaje.
error-E005006 = Este código no es correcto, ya se usó o es demasiado antiguo.
error-E005007 = Esta cuenta ya está confirmada.

security-title = Acceso y seguridad
email-title = Dirección de correo
email-now = Su dirección de correo: { $email }
email-new = Dirección de correo nueva
email-hint = Quizá deba confirmarla con un enlace que se envía allí.
password-title = Cambiar la contraseña
old-password = Contraseña actual
account-password-E005001 = La contraseña actual no es correcta.
two-factor-title = Acceso en dos pasos
two-factor-text = Con un segundo paso, su contraseña sola no basta: una aplicación en su teléfono muestra un código que también se pide.
two-factor-on = El acceso en dos pasos está activado.
two-factor-button = Activar el acceso en dos pasos
two-factor-off-title = Desactivar
two-factor-off-button = Desactivar el acceso en dos pasos
done-two-factor-off = El acceso en dos pasos está desactivado.
done-second-factor = Active el acceso en dos pasos para usar la administración.
is-on = Activado
is-off = Desactivado
none = Ninguno
set-up-title = Configure su aplicación
set-up-text = Escanee esta imagen con una aplicación de autenticación.
qr-code = Código QR con la clave de abajo
key-text = O escriba esta clave en la aplicación:
set-up-hint = Las seis cifras que la aplicación muestra ahora.
account-set-up-E005001 = El código no es correcto. Escriba el que la aplicación muestra ahora.
codes-title = Códigos de recuperación
codes-text = Guarde estos códigos en un lugar seguro. Cada uno permite entrar una vez sin la aplicación. No se muestran de nuevo, y los anteriores ya no sirven.
codes-left = { $count ->
    [one] Le queda { $count } código.
   *[other] Le quedan { $count } códigos.
 }
codes-button = Crear códigos nuevos
sessions-title = Dónde tiene sesión iniciada
sessions-text = Cierre lo que no conozca y después cambie su contraseña.
sessions = Sesiones
unknown-program = Programa desconocido
this-session = esta
session-from = Desde { $address }
session-seen = Último uso:
session-began = Inicio:
end = Cerrar
end-of = Cerrar la sesión de { $name }
end-others = Cerrar todas las demás
end-all = Cerrar todas las sesiones
done-session = Cerrada.
data-title = Sus datos
data-text = Un archivo con lo que está guardado sobre usted: perfil, sesiones, atributos.
data-button = Descargar
back-to-account = Volver a su cuenta

admin-users = Usuarios
admin-sites = Sitios
search = Buscar
search-label = Parte de un nombre de usuario, o una dirección de correo entera
list-label = Lista
list-all = Todos los usuarios
list-waiting = Pendientes de aprobación
list-rejected = Rechazados
list-unconfirmed = Sin confirmar
found = { $count ->
    [one] { $count } usuario
   *[other] { $count } usuarios
 }
found-none = No se encontraron usuarios.
status = Estado
signed-up = Registro
status-before-decision = sin aprobar
status-approved = aprobado
status-rejected = rechazado
status-locked = bloqueado
status-super-user = superusuario
previous = Anterior
next = Siguiente
page-of = Página { $page } de { $pages }
approve = Aprobar
reject = Rechazar
lock = Bloquear
unlock = Desbloquear
send-reset = Enviar un enlace para una contraseña nueva
done-approved = El usuario fue aprobado.
done-rejected = El usuario fue rechazado.
done-locked = El usuario fue bloqueado.
done-unlocked = El usuario fue desbloqueado.
done-deleted = El usuario fue eliminado.
done-reset = Un mensaje va de camino.
details = Detalles
attributes = Atributos
encrypted = cifrado
delete-title = Eliminar
delete-question = Eliminar este usuario…
delete-text = El usuario desaparece para siempre, con todas sus sesiones y atributos.
delete = Eliminar para siempre
no-user-title = No existe ese usuario
no-user-text = Quizá el usuario fue eliminado.
site-name = Sitio
public-key = Clave pública
trusted = de confianza
callbacks = Direcciones de retorno
error-E001100 = No existe ese usuario.
error-E007001 = Esta sesión ya terminó.
