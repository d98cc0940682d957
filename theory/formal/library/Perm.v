(* Renamings of neurons. *)
Require Import Reals List ZArith Lra Lia Psatz Bool Permutation FinFun.
Require Import Isthmus.Vec Isthmus.Net.
Import ListNotations.
Open Scope R_scope.

Definition Bij (m : nat) (f g : nat -> nat) : Prop := forall x, (x < m)%nat ->
  (f x < m)%nat /\ (g x < m)%nat /\ g (f x) = x /\ f (g x) = x.

Lemma Bij_id : forall m, Bij m (fun x => x) (fun x => x).
Proof. intros m x H; auto. Qed.
Lemma Bij_sym : forall m f g, Bij m f g -> Bij m g f.
Proof. intros m f g H x Hx. destruct (H x Hx) as (? & ? & ? & ?); auto. Qed.
Lemma Bij_comp : forall m f g f' g', Bij m f g -> Bij m f' g' -> Bij m (fun x => f (f' x)) (fun x => g' (g x)).
Proof.
  intros m f g f' g' H H' x Hx. destruct (H x Hx) as (? & ? & ? & ?). destruct (H' x Hx) as (? & ? & ? & ?).
  destruct (H (f' x)) as (? & ? & E & ?); auto. destruct (H' (g x)) as (? & ? & ? & E'); auto.
  rewrite E, E'. auto.
Qed.

Lemma inj_Bij : forall m f, bFun m f -> bInjective m f -> exists g, Bij m f g.
Proof.
  intros m f F I. apply (bInjective_bSurjective F) in I. destruct (bSurjective_bBijective F I) as (g & G & H).
  exists g. intros x Hx. destruct (H x Hx). auto.
Qed.

Lemma sum_perm : forall l l' : list R, Permutation l l' -> fold_right Rplus 0 l = fold_right Rplus 0 l'.
Proof. intros l l' P. induction P; cbn [fold_right]; try lra; try congruence. Qed.

Lemma sumlt_fold : forall h m, sumlt m h = fold_right Rplus 0 (map h (seq 0 m)).
Proof.
  assert (A : forall l z, fold_right Rplus 0 (l ++ [z]) = fold_right Rplus 0 l + z).
  { induction l as [|b l IH]; intros z; cbn [app fold_right]; [ring|rewrite IH; ring]. }
  intros h. induction m as [|m IH]; [reflexivity|]. rewrite seq_S, map_app. cbn [sumlt map]. rewrite IH.
  symmetry. apply A.
Qed.

Lemma NoDup_map_on : forall (f : nat -> nat) l, NoDup l ->
  (forall x y, In x l -> In y l -> f x = f y -> x = y) -> NoDup (map f l).
Proof.
  intros f l N. induction N as [|a l Na N IH]; intros H; simpl; constructor.
  - intros I. apply in_map_iff in I as (x & E & Ix). apply Na. rewrite <- (H x a); simpl; auto.
  - apply IH. intros; apply H; simpl; auto.
Qed.

Lemma sumlt_bij : forall m f g h, Bij m f g -> sumlt m (fun j => h (f j)) = sumlt m h.
Proof.
  intros m f g h B. rewrite !sumlt_fold, <- (map_map f h). apply sum_perm, Permutation_map.
  apply NoDup_Permutation.
  - apply NoDup_map_on; [apply seq_NoDup|]. intros x y Ix Iy E. apply in_seq in Ix, Iy.
    destruct (B x) as (_ & _ & E1 & _); [lia|]. destruct (B y) as (_ & _ & E2 & _); [lia|]. congruence.
  - apply seq_NoDup.
  - intros x. split; intros I.
    + apply in_map_iff in I as (y & <- & Iy). apply in_seq in Iy. destruct (B y) as (? & _); [lia|]. apply in_seq. lia.
    + apply in_seq in I. destruct (B x) as (_ & ? & _ & E); [lia|]. apply in_map_iff. exists (g x). split; auto.
      apply in_seq. lia.
Qed.

Lemma Permutation_Bij : forall A (d : A) (l l' : list A), Permutation l l' ->
  exists f g, Bij (length l) f g /\ forall x, (x < length l)%nat -> nth x l' d = nth (f x) l d.
Proof.
  intros A d l l' P. apply (Permutation_nth l l' d) in P as (_ & f & F & I & H).
  destruct (inj_Bij _ f F I) as (g & B). eauto.
Qed.

Lemma Bij_Permutation : forall A (d : A) (l l' : list A) f g, length l' = length l -> Bij (length l) f g ->
  (forall x, (x < length l)%nat -> nth x l' d = nth (f x) l d) -> Permutation l l'.
Proof.
  intros A d l l' f g L B H. apply (Permutation_nth l l' d). split; auto. exists f. split; [|split; auto].
  - intros x Hx. apply B; auto.
  - intros x y Hx Hy E. destruct (B x Hx) as (_ & _ & E1 & _). destruct (B y Hy) as (_ & _ & E2 & _). congruence.
Qed.

(* all permutations of a list *)
Fixpoint inserts {A} (a : A) (l : list A) : list (list A) :=
  match l with [] => [[a]] | b :: l' => (a :: l) :: map (cons b) (inserts a l') end.
Fixpoint perms {A} (l : list A) : list (list A) :=
  match l with [] => [[]] | a :: l => flat_map (inserts a) (perms l) end.

Lemma inserts_in : forall A (a : A) l1 l2, In (l1 ++ a :: l2) (inserts a (l1 ++ l2)).
Proof.
  intros A a l1 l2. induction l1 as [|b l1 IH]; simpl.
  - destruct l2; simpl; auto.
  - right. apply in_map. auto.
Qed.

Lemma perms_in : forall A (l l' : list A), Permutation l l' -> In l' (perms l).
Proof.
  intros A. induction l as [|a l IH]; intros l' P; simpl.
  - apply Permutation_nil in P. subst; auto.
  - assert (I : In a l') by (eapply Permutation_in; [exact P|left; auto]).
    apply in_split in I as (l1 & l2 & ->). apply Permutation_cons_app_inv in P.
    apply in_flat_map. exists (l1 ++ l2). split; auto. apply inserts_in.
Qed.

(* equality as multisets *)
Section Permb.
Variable A : Type.
Variable eqb : A -> A -> bool.
Hypothesis eqb_eq : forall a b, eqb a b = true -> a = b.
Fixpoint take (a : A) (l : list A) : option (list A) :=
  match l with
  | [] => None
  | b :: l => if eqb a b then Some l else match take a l with Some l' => Some (b :: l') | None => None end
  end.
Fixpoint permb (l l' : list A) : bool :=
  match l with
  | [] => match l' with [] => true | _ => false end
  | a :: l => match take a l' with Some l'' => permb l l'' | None => false end
  end.
Lemma take_perm : forall a l l', take a l = Some l' -> Permutation (a :: l') l.
Proof.
  intros a. induction l as [|b l IH]; intros l' E; simpl in E; [discriminate|].
  destruct (eqb a b) eqn:Q.
  - inversion E; subst. rewrite (eqb_eq _ _ Q). auto.
  - destruct (take a l) as [l''|] eqn:T; [|discriminate]. inversion E; subst.
    eapply Permutation_trans; [apply perm_swap|]. constructor. auto.
Qed.
Lemma permb_perm : forall l l', permb l l' = true -> Permutation l l'.
Proof.
  induction l as [|a l IH]; intros l' E; simpl in E.
  - destruct l'; [auto|discriminate].
  - destruct (take a l') as [l''|] eqn:T; [|discriminate].
    eapply Permutation_trans; [|apply take_perm; exact T]. constructor. auto.
Qed.
End Permb.
