(* Two networks of loss <= c in one cell are joined below c: the convex half of a components certificate. *)
Require Import Reals List ZArith Lra Lia Psatz Bool.
Require Import Isthmus.Vec Isthmus.Net Isthmus.Perm Isthmus.Ball Isthmus.Check Isthmus.Path.
Import ListNotations.
Open Scope R_scope.

Section Connect.
Variable X : list row.
Variable y : list Z.
Variable m d : nat.
Variable ball : balls.
Variable c : R.
Hypothesis Len : forall x, In x X -> (length x <= d)%nat.

Let good := good X y m d ball c.
Let joined := joined X y m d ball c.

Lemma joined_sym : forall W a W' a', joined W a W' a' -> joined W' a' W a.
Proof. exact (turned m d good). Qed.

Lemma good_same : forall W a W' a', good W a ->
  (forall j, (j < m)%nat -> (forall x, In x X -> a' j * Rmax 0 (dot x (W' j)) = a j * Rmax 0 (dot x (W j))) /\
     (forall i, (i < d)%nat -> a' j * W' j i = a j * W j i \/ Rabs (a' j * W' j i) = Rabs (a j * W j i))) ->
  good W' a'.
Proof.
  intros W a W' a' [B L] H. split.
  - apply (in_ball_le m d ball W a); auto. intros j i Hj Hi.
    destruct (H j Hj) as [_ H2]. destruct (H2 i Hi) as [E|E]; rewrite E; lra.
  - unfold loss in *. rewrite (sqerr_ext _ (net m W a)); auto. intros x Ix. unfold net. apply sumlt_ext.
    intros j Hj. apply H; auto.
Qed.

(* the gauge a = +-1, w = u *)
Lemma normal : forall W a (s : nat -> bool), good W a -> (forall j, (j < m)%nat -> sgn (s j) * a j >= 0) ->
  good (uvec W a) (fun j => sgn (s j)) /\ joined W a (uvec W a) (fun j => sgn (s j)).
Proof.
  intros W a s G Hs.
  set (W1 := fun j i => if Req_EM_T (a j) 0 then 0 else W j i).
  set (a2 := fun j => if Req_EM_T (a j) 0 then sgn (s j) else a j).
  assert (D1 : forall x j, dot x (W1 j) = if Req_EM_T (a j) 0 then 0 else dot x (W j)).
  { intros x j. unfold W1. destruct (Req_EM_T (a j) 0); auto. apply dot_0; auto. }
  assert (G1 : good W1 a).
  { apply (good_same W a); auto. intros j Hj. split.
    - intros x Ix. rewrite D1. destruct (Req_EM_T (a j) 0) as [E|]; auto. rewrite E. ring.
    - intros i Hi. left. unfold W1. destruct (Req_EM_T (a j) 0) as [E|]; auto. rewrite E. ring. }
  assert (G2 : good W1 a2).
  { apply (good_same W a); auto. intros j Hj. split.
    - intros x Ix. rewrite D1. unfold a2. destruct (Req_EM_T (a j) 0) as [E|]; auto. rewrite E, Rmax_left by lra. ring.
    - intros i Hi. left. unfold W1, a2. destruct (Req_EM_T (a j) 0) as [E|]; auto. rewrite E. ring. }
  assert (G3 : good (uvec W a) (fun j => sgn (s j))).
  { apply (good_same W a); auto. intros j Hj. split.
    - intros x Ix. rewrite dot_u. symmetry. apply scale_relu; auto.
    - intros i Hi. right. unfold uvec. rewrite !Rabs_mult, Rabs_Rabsolu.
      assert (E : Rabs (sgn (s j)) = 1) by (unfold sgn; destruct (s j); [apply Rabs_R1|rewrite Rabs_left; lra]).
      rewrite E. ring. }
  split; auto. unfold joined in *.
  apply (joined_trans X y m d ball c Len W a W1 a).
  { apply move_inner; auto. intros j Hj. destruct (Req_EM_T (a j) 0) as [E|N]; [auto|right].
    intros x Ix. rewrite D1. destruct (Req_EM_T (a j) 0); [lra|]. nra. }
  apply (joined_trans X y m d ball c Len W1 a W1 a2).
  { apply move_outer; auto. }
  apply (move_scale X y m d ball c W1 a2 _ _ (fun j => if Req_EM_T (a j) 0 then 1 else Rabs (a j))); auto.
  intros j Hj. specialize (Hs j Hj). unfold a2, W1, uvec. destruct (Req_EM_T (a j) 0) as [E|N].
  - split; [lra|]. split; [ring|]. intros i Hi. rewrite E, Rabs_R0. ring.
  - split; [apply Rabs_pos_lt; auto|]. split; [|intros; ring]. unfold sgn in *.
    destruct (s j); [rewrite Rabs_right by lra|rewrite Rabs_left1 by lra]; ring.
Qed.

(* two networks of one cell; only rows that are not zero are known to be off the walls *)
Theorem one_cell : forall P (ce : cell) W a W' a', (forall j x, (j < m)%nat -> In x (nz X) -> dot x (P (snd (st ce j))) <> 0) ->
  in_cell (nz X) P m W a ce -> in_cell (nz X) P m W' a' ce -> good W a -> good W' a' -> joined W a W' a'.
Proof.
  intros P ce W a W' a' N H H' G G'.
  destruct (normal W a (fun j => fst (st ce j)) G) as [U J]; [intros j Hj; apply H; auto|].
  destruct (normal W' a' (fun j => fst (st ce j)) G') as [U' J']; [intros j Hj; apply H'; auto|].
  unfold joined in *.
  apply (joined_trans X y m d ball c Len _ _ (uvec W a) (fun j => sgn (fst (st ce j)))); auto.
  apply (joined_trans X y m d ball c Len _ _ (uvec W' a') (fun j => sgn (fst (st ce j)))); [|apply joined_sym; auto].
  apply move_inner; auto. intros j Hj. right. intros x Ix.
  destruct (in_nz X x Ix) as [Nz|Z0]; [|rewrite !Z0; lra].
  destruct (H j Hj) as [_ Hx]. destruct (H' j Hj) as [_ Hx']. specialize (Hx x Nz). specialize (Hx' x Nz).
  specialize (N j x Hj Nz).
  set (A := dot x (P (snd (st ce j)))) in *. set (p := dot x (uvec W a j)) in *. set (q := dot x (uvec W' a' j)) in *.
  assert (A * A * (p * q) >= 0). { replace (A * A * (p * q)) with ((A * p) * (A * q)) by ring. nra. }
  assert (A * A > 0) by nra. nra.
Qed.
End Connect.
